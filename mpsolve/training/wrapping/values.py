"""What the nodes of a traced graph do: layers, adders, and where quantised values come from."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import fx, nn

from mpsolve.profiles.networks.readers.names import module_path
from mpsolve.profiles.networks.readers.reader import ELEMENTWISE, Role
from mpsolve.profiles.networks.readers.torch_operators import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAYERS = ("conv1d", "conv2d", "linear")
#: Names that differ from those of the operators that torch.export sees.
_ALIASES = {"interpolate": "mean", "upsample": "mean", "concat": "cat", "zeropad": "pad"}
_MODULE_ROLES = {name.replace("_", ""): role for name, role in ROLES.items()}
_TAKE = (operator.getitem, getattr)
#: Values of these functions lie between 0 and the number; None where nothing bounds them.
_NOT_NEGATIVE = {"relu": None, "relu6": 6.0, "sigmoid": 1.0, "hardsigmoid": 1.0}


@dataclass(slots=True)
class Values:
    """The nodes of a graph that compute activations.

    Attributes
    ----------
    program
        The graph, in which layers are functions; see `trace`.
    shapes
        Node -> the shape of its tensor; see `tracing.shapes`.
    several
        The nodes that compute several tensors at once, which have no shape.
    signed_input
        Whether what the network reads may be negative.
    writers
        Node -> the node that wrote the tensor of which it is a function.
    roles
        Node -> what it does.
    """

    program: fx.GraphModule
    shapes: dict[fx.Node, tuple[int, ...]]
    several: frozenset[fx.Node]
    signed_input: bool = True
    writers: dict[fx.Node, fx.Node] = field(init=False, default_factory=dict)
    roles: dict[fx.Node, Role | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.program.graph.nodes:
            if node not in self.shapes or node.op in ("get_attr", "output"):
                continue
            inputs = self.inputs(node)
            if not inputs and node.op != "placeholder":
                continue
            role = self._role(node, inputs)
            one_tensor = len({self.writers[x] for x in inputs}) == 1
            if role in ELEMENTWISE and one_tensor:
                role = Role.FUNCTION
            self.roles[node] = role
            self.writers[node] = (
                self.writers[inputs[0]] if role in (Role.FUNCTION, Role.IDENTITY) else node
            )

    def inputs(self, node: fx.Node) -> list[fx.Node]:
        """The activations that a node reads."""
        return [x for x in node.all_input_nodes if x in self.writers]

    def layers(self) -> Iterator[tuple[str, fx.Node]]:
        """The calls of layers: the path of the module that has the weights, and the node."""
        for node in self.writers:
            if self.is_layer(node):
                yield _path(weight_of(node)), node

    def adders(self) -> list[fx.Node]:
        """The nodes that add two tensors."""
        return [node for node, role in self.roles.items() if role is Role.ADD]

    def is_layer(self, node: fx.Node) -> bool:
        """Whether a node is a function of an activation and of weights."""
        if node.op != "call_function" or self._name(node) not in _LAYERS:
            return False
        weight = weight_of(node)
        return weight is not None and weight not in self.writers

    def sources(self, node: fx.Node) -> dict[fx.Node, None]:
        """Where the values that a node hands on are computed.

        Reshapes, concatenations and maxima hand on what they read. Means compute new values
        between the ones that they read, so that they are sources themselves, beside those.
        """
        found: dict[fx.Node, None] = {}
        self._find(node, found)
        return found

    def _find(self, node: fx.Node, found: dict[fx.Node, None]) -> None:
        role = self.roles[node]
        pool = role is Role.POOL
        if pool and not self._hands_on(node):
            found[node] = None
        if pool or role in (Role.IDENTITY, Role.RESHAPE, Role.SWAP, Role.CONCAT):
            for x in self.inputs(node):
                self._find(x, found)
        else:
            found[node] = None

    def _hands_on(self, pool: fx.Node) -> bool:
        name = self._name(pool)
        return "max" in name or "nearest" in name

    def is_signed(self, source: fx.Node) -> bool:
        """Whether a value may be negative, as far as the node that computes it tells."""
        if source.op == "placeholder":
            return self.signed_input
        role, name = self.roles[source], self._name(source)
        if role is Role.ADD and not name.endswith("sub"):
            return any(self.is_signed(s) for x in self.inputs(source) for s in self.sources(x))
        if role is Role.POOL:
            return any(self.is_signed(s) for s in self.sources(source) if s is not source)
        return self._limits(source) is None

    def bound(self, source: fx.Node) -> float | None:
        """The largest value that the activation at a node lets pass, if there is one."""
        if self.roles[source] is Role.POOL:
            bounds = [self.bound(s) for s in self.sources(source) if s is not source]
            known = [bound for bound in bounds if bound is not None]
            return max(known) if len(known) == len(bounds) else None
        limits = self._limits(source)
        return None if limits is None else limits[1]

    def _limits(self, node: fx.Node) -> tuple[float, float | None] | None:
        """The range of a function that is never negative; None for any other."""
        if node.op == "placeholder":  # whatever its name is
            return None
        name = self._name(node)
        if name in _NOT_NEGATIVE:
            return 0.0, _NOT_NEGATIVE[name]
        if name not in ("hardtanh", "clamp", "clip"):
            return None
        given = self._settings(node, name)
        low, high = given
        if not isinstance(low, int | float) or low < 0:
            return None
        return float(low), float(high) if isinstance(high, int | float) else None

    def _settings(self, node: fx.Node, name: str) -> tuple[Any, Any]:
        """The lowest and the highest value of a function that clips."""
        if node.op == "call_module":
            module = self.program.get_submodule(str(node.target))
            assert isinstance(module, nn.Hardtanh)
            return module.min_val, module.max_val
        low, high = ("min_val", "max_val") if name == "hardtanh" else ("min", "max")
        usual = (-1.0, 1.0) if name == "hardtanh" else (None, None)
        given = [*node.args[1:3], *usual[len(node.args) - 1 :]][:2]
        return node.kwargs.get(low, given[0]), node.kwargs.get(high, given[1])

    def _role(self, node: fx.Node, inputs: list[fx.Node]) -> Role | None:
        """What a node does; None for what writes a new tensor: inputs, layers and the rest."""
        if node.op == "placeholder" or self.is_layer(node):
            return None
        if node.op == "call_function" and node.target in _TAKE:
            return Role.RESHAPE
        role = _role_of(self._name(node), module=node.op == "call_module")
        if role is Role.POOL:  # over channels, it is any other operator
            before, after = self.shapes[inputs[0]], self.shapes[node]
            last = len(before) == 3 and before[2:] == after[-1:]  # tokens have channels last
            if before[1:2] != after[1:2] and not last and node not in self.several:
                return None
        return role

    def _name(self, node: fx.Node) -> str:
        """What people call the operator: ``relu`` of ``F.relu``, ``x.relu_()`` and ``nn.ReLU``."""
        if node.op == "call_module":
            return type(self.program.get_submodule(str(node.target))).__name__.lower()
        name = str(node.target if node.op == "call_method" else _function_name(node.target))
        name = name.strip("_")
        return {"iadd": "add", "isub": "sub", "imul": "mul", "truediv": "div"}.get(name, name)


def weight_of(layer: fx.Node) -> fx.Node | None:
    """The weights of a call of a layer."""
    weight = layer.args[1] if len(layer.args) > 1 else layer.kwargs.get("weight")
    return weight if isinstance(weight, fx.Node) else None


def input_of(layer: fx.Node) -> fx.Node:
    """The activation that a call of a layer reads."""
    x = layer.args[0] if layer.args else layer.kwargs["input"]
    assert isinstance(x, fx.Node)
    return x


def _path(weight: fx.Node | None) -> str:
    """The module whose parameter weights are computed from."""
    stored = _stored(weight)
    target = "" if stored is None else str(stored.target)
    return module_path(target) or target


def _stored(weight: fx.Node | None) -> fx.Node | None:
    """The parameter that weights are computed from."""
    while weight is not None and weight.op != "get_attr":
        weight = next(iter(weight.all_input_nodes), None)
    return weight


def _function_name(function: Any) -> str:
    return getattr(function, "__name__", str(function))


def _role_of(name: str, *, module: bool) -> Role | None:
    for candidate in (name, re.sub(r"[123]d$", "", name)):
        candidate = _ALIASES.get(candidate, candidate)
        role = (_MODULE_ROLES if module else ROLES).get(candidate)
        if role is not None:
            return None if role is Role.OTHER else role
    return None


def parameter_of(layer: fx.Node) -> str:
    """The path of the parameter that the weights of a call of a layer are computed from."""
    stored = _stored(weight_of(layer))
    assert stored is not None
    return str(stored.target)
