"""Sessions of ONNX Runtime on the CPU, and calls whose tensors lie where they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.profiles.targets.measured.ort.graph import IR_VERSION, OPSET, import_onnx
from mpsolve.storage.optional import importing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpsolve.typing import NumberArray


def import_onnxruntime() -> Any:
    """The package onnxruntime.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with importing("onnxruntime", "onnx", "Measuring on the CPU"):
        import onnxruntime
    return onnxruntime


def session(
    model: bytes, threads: int = 1, *, optimise: bool = True, save: Path | None = None
) -> Any:
    """A session of the CPU's execution provider.

    Parameters
    ----------
    model
        Serialised.
    threads
        Of one operator.
    optimise
        All optimisations, or none for a model that is optimised already.
    save
        Where to write the optimised model.

    Raises
    ------
    UnsupportedError
        If ONNX Runtime refuses the model.
    """
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # a saved model is meant for this machine alone: no warning
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    if save is not None:
        options.optimized_model_filepath = str(save)
    try:
        return ort.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=list(UNWANTED),
        )
    except Exception as error:  # the exceptions of ONNX Runtime have no common base
        reason = str(error).splitlines()[0]
        raise UnsupportedError(f"ONNX Runtime cannot run the model: {reason}") from error


def optimised(model: bytes, threads: int = 1) -> Any:
    """The model, as an ``onnx.ModelProto``, that ONNX Runtime makes of a model for this machine."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        session(model, threads, save=path)
        return import_onnx().load(path)


def random_inputs(model: Any, seed: int = 0) -> dict[str, NumberArray]:
    """Numbers for every input of a session: uniform codes, or standard normal numbers."""
    rng = np.random.default_rng(seed)
    values: dict[str, NumberArray] = {}
    for entry in model.get_inputs():
        if "uint8" in entry.type:
            values[entry.name] = rng.integers(0, 256, entry.shape).astype(np.uint8)
        else:
            values[entry.name] = rng.standard_normal(entry.shape).astype(np.float32)
    return values


def outputs(model: Any, inputs: Mapping[str, NumberArray]) -> dict[str, NumberArray]:
    """What a session computes, by name."""
    names = [entry.name for entry in model.get_outputs()]
    return dict(zip(names, model.run(names, dict(inputs)), strict=True))


#: Quantises the weights of a float layer between two int8 layers, which then runs in int8 although
#: its configuration says float32.
UNWANTED = ("WeightBiasQuantization",)


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """A call of a session that neither allocates nor copies.

    Attributes
    ----------
    run, binding
        The session's function and what it is given.
    places
        The arrays that the tensors lie in, which must outlive the call.
    """

    run: Callable[[Any], None]
    binding: Any
    places: tuple[Any, ...]

    def __call__(self) -> None:
        self.run(self.binding)


def bound(model: Any, inputs: Mapping[str, NumberArray]) -> Call:
    """The call of a session on these inputs.

    Outputs of one shape and type are written to the same place, since nobody reads them.
    """
    place = import_onnxruntime().OrtValue.ortvalue_from_numpy
    binding = model.io_binding()
    held = {name: place(np.ascontiguousarray(values)) for name, values in inputs.items()}
    for name, value in held.items():
        binding.bind_ortvalue_input(name, value)
    places: dict[tuple[object, ...], Any] = {}
    for name, values in outputs(model, inputs).items():
        shared = places.setdefault((values.shape, values.dtype.str), place(values))
        binding.bind_ortvalue_output(name, shared)
    return Call(model.run_with_iobinding, binding, (*held.values(), *places.values()))


def empty_call(threads: int = 1) -> Call:
    """The call of a model that does nothing, which costs what every call costs."""
    helper = import_onnx().helper
    ends = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(np.dtype(np.float32)), [1]
        )
        for name in ("x", "y")
    ]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "empty", ends[:1], ends[1:]
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    run = session(model.SerializeToString(), threads, optimise=False)
    return bound(run, random_inputs(run))
