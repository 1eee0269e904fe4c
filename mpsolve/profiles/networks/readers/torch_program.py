"""Networks from PyTorch modules and exported programs."""

from __future__ import annotations

import operator
import warnings
from math import prod
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError
from mpsolve.profiles.networks.readers import torch_operators as known
from mpsolve.profiles.networks.readers.names import module_path
from mpsolve.profiles.networks.readers.reader import (
    Activation,
    Call,
    Constant,
    GraphReader,
    Role,
)
from mpsolve.profiles.networks.readers.shapes import linear_type
from mpsolve.profiles.networks.readers.torch_layers import convolution_type
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch

    from mpsolve.profiles.networks.layer_type import LayerType
    from mpsolve.profiles.networks.network import Network


def from_torch(
    model: torch.nn.Module | torch.export.ExportedProgram,
    example_inputs: Sequence[Any] = (),
    example_kwargs: Mapping[str, Any] | None = None,
    *,
    name: str = "",
) -> Network:
    """Read a network from a PyTorch module, by ``torch.export``.

    Convolutions of one and two dimensions and products by a constant matrix are layers; they have
    the names of the modules that their weights belong to. Batch normalisation, activations and
    dropout belong to the operator before them; LayerNorm and its kin are ``other``, since what
    they write is quantised by itself. Calls with the same weights are one layer. The module is
    exported as for inference, whatever its mode is.

    Parameters
    ----------
    model
        A module, or a program that has been exported from one, for inference.
    example_inputs, example_kwargs
        Arguments of the module; their first axes are the batch, which does not count. Not needed
        for a program.
    name
        Name of the network, by default that of the class.

    Raises
    ------
    InputError
        If the module cannot be exported, or has weights of an unknown kind.
    MissingDependencyError
        If torch is not installed.
    """
    torch = _torch()
    if isinstance(model, torch.export.ExportedProgram):
        return _read(model, name or "program")
    name = name or type(model).__name__.lower()
    try:
        program = _export(model, tuple(example_inputs), dict(example_kwargs or {}))
    except Exception as error:  # the model's own errors among them
        raise InputError(f"torch.export cannot export {name}: {error}") from error
    return _read(program, name)


def read_exported(path: Path) -> Network:
    """Read a network from a file of ``torch.export.save``; see `from_torch`."""
    torch = _torch()
    try:
        program = torch.export.load(path)
    except Exception as error:  # whatever a damaged archive leads to
        raise InputError(f"{path} is not a readable file of torch.export.save: {error}") from error
    return from_torch(program, name=path.stem)


def _export(model: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module as a program for inference; its mode stays what it was."""
    modes = {module: module.training for module in model.modules()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about itself
            return _torch().export.export(model.eval(), inputs, kwargs)
    finally:
        for module, training in modes.items():
            module.training = training


def _read(program: torch.export.ExportedProgram, name: str) -> Network:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        functional = program.run_decompositions({})  # in-place operators and nothing else
    return _Reader(functional, name).read()


def _torch() -> Any:
    with importing("torch", "torch", "Reading a PyTorch model"):
        import torch
    return torch


#: The arguments of a convolution, as in `torch_operators.PRODUCTS`.
CONVOLUTION = ("input", "weight", "bias", True)
#: All outputs of their operators are values; otherwise, all but the first are indices and the like.
SEVERAL_OUTPUTS = (Role.RESHAPE, Role.OTHER)


class _Reader:
    """The values that have been computed so far, by their nodes."""

    def __init__(self, program: torch.export.ExportedProgram, name: str) -> None:
        self.name = name
        self.program = program
        self.graph = GraphReader()
        self.values: dict[str, Activation | Constant] = {}

    def read(self) -> Network:
        """Walk through the graph."""
        signature = self.program.graph_signature
        inputs = {n.name: n for n in self.program.graph.nodes if n.name in signature.user_inputs}
        sizes = (dims[0] for dims in map(self._dims, inputs.values()) if dims)
        self.graph.batch = next(sizes, 1)
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node.name] = self._placeholder(node, signature)
            elif node.op == "get_attr":
                self.values[node.name] = Constant(str(node.target))
            elif node.op == "call_function":
                self._read_call(node)
        outputs = (self.values.get(str(output)) for output in signature.user_outputs)
        computed = [output.value for output in outputs if isinstance(output, Activation)]
        if not computed:
            raise InputError(f"{self.name}: no output depends on an input.")
        source = f"PyTorch module {self.name}, by torch.export"
        return self.graph.trace.build(self.name, computed, source)

    def _placeholder(self, node: Any, signature: Any) -> Activation | Constant:
        """An input, a parameter or a buffer."""
        dims = self._dims(node)
        if node.name in signature.user_inputs and dims is not None:
            signal = any(_operator(user) in known.CONVOLUTIONS for user in node.users)
            return self.graph.input(node.name, dims, channels_first=signal)
        stored = signature.inputs_to_parameters | signature.inputs_to_buffers
        return Constant(stored.get(node.name, node.name), dims or ())

    def _read_call(self, node: Any) -> None:
        """Read an operator, or one output of an operator that has several."""
        call = node.args[0] if node.target is operator.getitem else node
        role = known.ROLES.get(_operator(call), Role.OTHER)
        dims = self._dims(node)
        inputs = [self.values[n.name] for n in call.all_input_nodes]
        statistic = call is not node and node.args[1] > 0 and role not in SEVERAL_OUTPUTS
        if dims is None or statistic or not any(isinstance(x, Activation) for x in inputs):
            self.values[node.name] = self._constant(node, dims or (), inputs)
            return
        layer = self._layer(call, dims)
        if layer is None and role is Role.OTHER:
            self._refuse_weights(call, inputs)
        self.values[node.name] = layer or self.graph.compute(
            Call(
                operator=_operator(call),
                role=role,
                inputs=tuple(inputs),
                dims=dims,
                path=_path(call),
                details=tuple(map(str, (*call.args, *call.kwargs.values()))),
            )
        )

    def _layer(self, node: Any, dims: tuple[int, ...]) -> Activation | None:
        """A layer; None if the operator is none or multiplies two activations."""
        name = _operator(node)
        if name in known.REFUSED:
            raise self._error(node, "has weights, but is neither a convolution nor linear")
        if name not in known.CONVOLUTIONS and name not in known.PRODUCTS:
            return None
        arguments = _arguments(node)
        read, weighted, added, rows = known.PRODUCTS.get(name, CONVOLUTION)
        x, weights = (self.values.get(str(arguments[argument])) for argument in (read, weighted))
        if not isinstance(x, Activation) or not isinstance(weights, Constant):
            if any(isinstance(c, Constant) and c.is_matrix for c in (x, weights)):
                raise self._error(node, "has its weights on the left, and a layer on the right")
            return None
        bias = self.values.get(str(arguments[added])) if added else None
        known_bias = isinstance(bias, Constant)
        layer_type: LayerType | None = None
        if name in known.CONVOLUTIONS:
            sample = self.graph.sample(x.dims), weights.dims, self.graph.sample(dims)
            layer_type = convolution_type(arguments, *sample, bias=known_bias)
        elif len(weights.dims) == 2:
            features = weights.dims[0 if rows else 1]
            layer_type = linear_type(self.graph.sample(x.dims), features, bias=known_bias)
        if layer_type is None:
            raise self._error(node, f"has weights of shape {weights.dims}, which are no layer's")
        path = module_path(weights.whole) or weights.whole
        y = self.graph.layer(path, x, layer_type, weights, dims)
        if isinstance(bias, Activation):
            y = self.graph.compute(Call("add", Role.ADD, (y, bias), dims, path))
        return y

    def _refuse_weights(self, node: Any, inputs: Sequence[Activation | Constant]) -> None:
        """Refuse products by weights that are not a matrix, such as those of several experts."""
        name = _operator(node)
        if any(kind in name for kind in known.WITHOUT_PRODUCTS):
            return
        parameters = self.program.graph_signature.inputs_to_parameters.values()
        for weights in (x for x in inputs if isinstance(x, Constant)):
            if weights.is_matrix and weights.whole in parameters:
                raise self._error(
                    node, f"has weights of shape {weights.dims}, which are no layer's"
                )

    def _constant(
        self, node: Any, dims: tuple[int, ...], parts: list[Activation | Constant]
    ) -> Constant:
        """What is computed from constants alone: the largest of them, or a part of it."""
        constants = [part for part in parts if isinstance(part, Constant)]
        own = Constant(node.name, dims)
        largest = max(constants, key=lambda part: prod(part.dims), default=own)
        whole = prod(dims) == prod(largest.dims)
        return Constant(largest.name if whole else f"{largest.name}[{node.name}]", dims)

    def _dims(self, node: Any) -> tuple[int, ...] | None:
        """The shape of a tensor; None for what is none."""
        shape = getattr(node.meta.get("val"), "shape", None)
        try:
            return None if shape is None else tuple(int(size) for size in shape)
        except Exception as error:  # a symbol without a value
            raise InputError(
                f"{self.name}: the shape {shape} of {node.name} is dynamic; export the model "
                "without dynamic shapes."
            ) from error

    def _error(self, node: Any, problem: str) -> InputError:
        where = _path(node) or node.name
        return InputError(f"{self.name}: {where} ({_operator(node)}) {problem}.")


def _operator(node: Any) -> str:
    """``conv2d`` of ``aten.conv2d.default``."""
    if not hasattr(node.target, "_schema"):
        return str(node.target)
    return str(node.target._schema.name).rpartition("::")[2]  # noqa: SLF001 (it has no other name)


def _arguments(node: Any) -> dict[str, Any]:
    """The arguments of an operator by name, with those that were left out."""
    declared = node.target._schema.arguments  # noqa: SLF001
    given = dict(zip((argument.name for argument in declared), node.args, strict=False))
    return {a.name: a.default_value for a in declared} | given | dict(node.kwargs)


def _path(node: Any) -> str:
    """The module in which an operator is called."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return str(stack[-1][0]) if stack else ""
