"""The graph of a model, in which every layer is a function of its input and its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_CONVOLUTIONS: dict[type[nn.Module], Callable[..., Any]] = {
    nn.Conv1d: F.conv1d,
    nn.Conv2d: F.conv2d,
}


def trace(model: nn.Module) -> fx.GraphModule:
    """A model as a graph module with the same submodules, parameters and buffers.

    Convolutions and linear layers are called as functions, so that their weights are values of the
    graph. Arguments that depend on the mode, such as that of ``F.dropout``, follow it.

    Parameters
    ----------
    model
        The model; the graph module holds its submodules, not copies of them.

    Raises
    ------
    InputError
        If the model cannot be traced; the message names the module.
    """
    was = {module: module.training for module in model.modules()}
    try:
        evaluating, training = _trace(model.eval()), _trace(model.train())
    finally:
        for module, mode in was.items():
            module.training = mode
    _follow_mode(type(model).__name__, evaluating, training)
    program = fx.GraphModule(model, evaluating, type(model).__name__)
    program.graph.eliminate_dead_code()
    _keep_all(model, program)
    for node in list(program.graph.nodes):
        node.type = None  # annotations that are text cannot be pickled
        if node.op == "call_module":
            _as_function(program, node)
    program.recompile()
    program.training = model.training
    return program


class _Tracer(fx.Tracer):
    """Remembers in which module it stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped_in: str | None = None

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.stopped_in = self.stopped_in or self.path_of_module(m)
            raise


def _trace(model: nn.Module) -> fx.Graph:
    tracer = _Tracer()
    try:
        return tracer.trace(model)
    except Exception as error:  # the model's own errors among them
        where = f"module {tracer.stopped_in} of " if tracer.stopped_in else ""
        reason = " ".join(str(error).split())
        raise InputError(
            f"torch.fx cannot trace {where}{type(model).__name__} ({reason}); write its forward "
            "without control flow that depends on the input."
        ) from error


def _follow_mode(name: str, graph: fx.Graph, training: fx.Graph) -> None:
    """Let arguments that are true in training alone be the mode of the graph module."""
    both = list(zip(graph.nodes, training.nodes, strict=False))
    alike = len(graph.nodes) == len(training.nodes) and all(
        (a.op, a.name, a.target) == (b.op, b.name, b.target) for a, b in both
    )
    if not alike:
        raise InputError(f"{name} computes something else in training than in evaluation.")
    for node, other in both:
        arguments = dict(enumerate(node.args)) | node.kwargs
        others = dict(enumerate(other.args)) | other.kwargs
        for key, value in arguments.items():
            if str(value) == str(others[key]):
                continue
            if (value, others[key]) != (False, True):
                raise InputError(
                    f"{name}: {node.name} has the argument {value} in evaluation and {others[key]} "
                    "in training; only flags may differ."
                )
            with graph.inserting_before(node):
                mode = graph.create_node("get_attr", "training")
            if isinstance(key, int):
                node.update_arg(key, mode)
            else:
                node.update_kwarg(key, mode)


def _keep_all(model: nn.Module, program: fx.GraphModule) -> None:
    """Keep what the graph does not use, so that checkpoints of the model fit."""
    for name, module in model.named_children():
        program.add_module(name, module)
    for name, parameter in model.named_parameters(recurse=False):
        program.register_parameter(name, parameter)
    persistent = model.state_dict().keys()
    for name, buffer in model.named_buffers(recurse=False):
        program.register_buffer(name, buffer, persistent=name in persistent)


def _as_function(program: fx.GraphModule, node: fx.Node) -> None:
    """Replace the call of a layer by that of its function."""
    path = str(node.target)
    module = program.get_submodule(path)
    kind = next((kind for kind in (*_CONVOLUTIONS, nn.Linear) if isinstance(module, kind)), None)
    if kind is None:
        return
    x = node.args[0] if node.args else node.kwargs["input"]
    graph = program.graph
    with graph.inserting_before(node):
        weight = graph.create_node("get_attr", f"{path}.weight")
        bias = graph.create_node("get_attr", f"{path}.bias") if module.bias is not None else None
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            padding: Any = module.padding
            if module.padding_mode != "zeros":
                x = graph.call_function(F.pad, (x, _margins(module), module.padding_mode))
                padding = 0
            settings = (module.stride, padding, module.dilation, module.groups)
            new = graph.call_function(_CONVOLUTIONS[kind], (x, weight, bias, *settings))
        else:
            new = graph.call_function(F.linear, (x, weight, bias))
    node.replace_all_uses_with(new)
    graph.erase_node(node)


def _margins(module: nn.Conv1d | nn.Conv2d) -> tuple[int, ...]:
    """What `torch.nn.functional.pad` adds on either side, last axis first."""
    margins: list[int] = []
    axes = zip(module.kernel_size, module.dilation, strict=True)
    for axis, (kernel, dilation) in reversed(list(enumerate(axes))):
        if isinstance(module.padding, str):
            total = dilation * (kernel - 1) if module.padding == "same" else 0
            margins += [total // 2, total - total // 2]
        else:
            margins += [module.padding[axis]] * 2
    return tuple(margins)


class _Recorder(fx.Interpreter):
    """Notes the results that are, or hold, tensors."""

    def __init__(self, program: fx.GraphModule) -> None:
        super().__init__(program)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}
        self.several: set[fx.Node] = set()

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.shapes[n] = tuple(result.shape)
        elif isinstance(result, tuple | list) and any(isinstance(r, torch.Tensor) for r in result):
            self.shapes[n] = ()
            self.several.add(n)
        return result


@torch.no_grad()
def shapes(
    program: fx.GraphModule, inputs: tuple[Any, ...]
) -> tuple[dict[fx.Node, tuple[int, ...]], frozenset[fx.Node]]:
    """The nodes that compute tensors, and their shapes; and those that compute several at once."""
    was = {module: module.training for module in program.modules()}
    recorder = _Recorder(program.eval())
    try:
        recorder.run(*inputs)
    finally:
        for module, mode in was.items():
            module.training = mode
    return recorder.shapes, frozenset(recorder.several)
