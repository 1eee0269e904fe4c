"""For every rule of DORY, the ways in which the conforming file is made to break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.deploy.edits import (
    Model,
    change,
    drop,
    insert,
    node,
    place_of,
    put,
    rename,
)

if TYPE_CHECKING:
    from collections.abc import Callable

onnx = pytest.importorskip("onnx")


# nodes of the file, by kind and place
STEM, DW, PW = ("Conv", 0), ("Conv", 1), ("Conv", 2)


def read_by_two(model: Model) -> None:
    """Another pool reads what Flatten reads, which thereby loses its name."""
    flat = node(model, "Flatten")
    other = onnx.helper.make_node(
        "MaxPool", [flat.input[0]], ["99"], kernel_shape=[1, 1], strides=[1, 1]
    )
    insert(model, len(model.graph.node), other)


def unknown_operator(model: Model) -> None:
    """Softmax behind everything."""
    last = model.graph.output[0].name
    insert(model, len(model.graph.node), onnx.helper.make_node("Softmax", [last], ["99"]))


def separate_pad(model: Model) -> None:
    """A Pad in front of the pointwise convolution."""
    found = node(model, *PW)
    pad = onnx.helper.make_node("Pad", [found.input[0]], ["15"], pads=[0] * 8, name="Pad_15")
    rename_from(model, place_of(model, found))
    found = node(model, *PW)
    insert(model, place_of(model, found), pad)
    node(model, *PW).input[0] = "15"


def rename_from(model: Model, start: int) -> None:
    """Make room for a number: all outputs from a place on are 100 higher."""
    for name in [n.output[0] for n in model.graph.node][start:]:
        rename(model, name, str(int(name) + 100))


def product_with_separate_bias(model: Model) -> None:
    """Gemm becomes MatMul and Add, which DORY does not merge (dory, issues 41 and 50)."""
    found = node(model, "Gemm")
    bias = found.input.pop()
    found.op_type = "MatMul"
    output = model.graph.output[0].name
    rename(model, output, "90")
    model.graph.output[0].name = output
    rename(model, output, "91")
    insert(model, len(model.graph.node), onnx.helper.make_node("Add", ["90", bias], ["91"]))


def grouped(model: Model) -> None:
    """The depthwise convolution gets half as many groups."""
    found = node(model, *DW)
    put(found, "group", 4)
    change(model, found, lambda w: np.concatenate([w, w], 1))


def five_channels(model: Model) -> None:
    """A depthwise convolution alone, of an odd number of channels."""
    alone(model, 5, 2)


def alone(model: Model, channels: int, bits: int, kernel: int = 3) -> None:
    """One depthwise convolution that returns accumulators."""
    weights = np.ones((channels, 1, kernel, kernel))
    layer = onnx.helper.make_node(
        "Conv",
        ["0", "w"],
        ["1"],
        **{"kernel_shape": [kernel] * 2, "strides": [1, 1], "dilations": [1, 1]},
        **{"group": channels, "weight_bits": bits, "bias_bits": 32},
    )
    double = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        [layer],
        "alone",
        [onnx.helper.make_tensor_value_info("0", double, [1, channels, 8, 8])],
        [onnx.helper.make_tensor_value_info("1", double, None)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model.graph.CopyFrom(graph)


def swap_adder(model: Model) -> None:
    """The earlier input first, and a main branch of 4 bits."""
    adder = node(model, "Add", 3)
    later, earlier = adder.input
    adder.input[:] = [earlier, later]
    for what in ("mul", "add", "shift", "n_levels", "rq"):
        values = {a.name: a.i for a in adder.attribute}
        put(adder, f"in1_{what}", values[f"in2_{what}"])
        put(adder, f"in2_{what}", values[f"in1_{what}"])
    clip = node(model, "Clip", 2)
    put(clip, "out_bits", 4)
    put(clip, "max", 15.0)
    put(adder, "in2_n_levels", 16)


def adder_far_away(model: Model) -> None:
    """Another layer between the main branch and the adder."""
    adder = node(model, "Add", 3)
    rename_from(model, place_of(model, adder))
    adder = node(model, "Add", 3)
    source = adder.input[0]
    pool = onnx.helper.make_node(
        "MaxPool", [source], ["99"], kernel_shape=[1, 1], strides=[1, 1], name="MaxPool_99"
    )
    insert(model, place_of(model, adder), pool)


def signed_mean(model: Model) -> None:
    """A mean of the network's signed input, without requantisation."""
    pool = onnx.helper.make_node(
        "AveragePool", ["0"], ["1"], kernel_shape=[2, 2], strides=[2, 2], name="AveragePool_1"
    )
    double = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        [pool],
        "mean",
        [onnx.helper.make_tensor_value_info("0", double, [1, 4, 8, 8])],
        [onnx.helper.make_tensor_value_info("1", double, None)],
    )
    model.graph.CopyFrom(graph)


def vector_behind_pool(model: Model) -> None:
    """One number per channel behind the mean."""
    pool = node(model, "AveragePool")
    following = list(model.graph.node)[place_of(model, pool) + 1]
    change(model, following, lambda k: np.full((8, 1, 1), k))


def behind_pool(model: Model, offset: int) -> Any:
    """Mul or Add of the mean."""
    return list(model.graph.node)[place_of(model, node(model, "AveragePool")) + offset]


def requantised_maximum(model: Model) -> None:
    """The mean becomes a maximum, whose kernels have no multiplier."""
    node(model, "AveragePool").op_type = "MaxPool"


def input_read_twice(model: Model) -> None:
    """The adder reads a maximum of the input of the network."""
    node(model, "MaxPool").input[0] = "0"


def transposed(model: Model) -> None:
    """A square product with its weights as (Cout, Cin)."""
    found = node(model, "MatMul")
    found.op_type = "Gemm"
    put(found, "transB", 1)


def padded_mean(model: Model) -> None:
    """A mean over the border of the image."""
    put(node(model, "AveragePool"), "pads", [0, 0, 1, 1])
    put(node(model, "AveragePool"), "strides", [2, 2])


def six_hidden(model: Model) -> None:
    """Six codes of 2 bits between the linear layers: 12 bits."""
    put(node(model, "Clip", 4), "out_bits", 2)
    put(node(model, "Clip", 4), "max", 3.0)
    change(model, node(model, "MatMul"), lambda w: w[:, :6])
    change(model, node(model, "Gemm"), lambda w: w[:6])
    change(model, node(model, "Mul", 4), lambda k: k[:6])
    change(model, node(model, "Add", 5), lambda k: k[:6])


def exchanged_names(model: Model) -> None:
    """Weights with "bias" in their name, a bias without."""
    rename(model, node(model, *STEM).input[1], "debiased")
    rename(model, node(model, *STEM).input[2], "offset")


BREAKS: dict[str, tuple[Callable[[Model], object], str, set[str]]] = {
    "operators_are_accepted": (unknown_operator, "Softmax 99: DORY does not know", set()),
    "operator_set_is_at_most_10": (
        lambda m: setattr(m.opset_import[0], "version", 13),
        "The model uses operator set 13",
        set(),
    ),
    "outputs_are_numbers": (
        lambda m: rename(m, m.graph.output[0].name, "logits"),
        "Gemm_.*: its output is named 'logits'; DORY needs a decimal number",
        set(),
    ),
    "outputs_increase": (
        lambda m: rename(m, "1", "1000"),
        "Mul Mul_2: its output 2 must be a number above 1000",
        set(),
    ),
    "adders_read_numbers": (
        lambda m: rename(m, node(m, "Add", 3).input[1], "skip"),
        "Add Add_.*: it reads 'skip'; adders need decimal numbers",
        {"outputs_are_numbers"},
    ),
    "dropped_operators_are_the_only_readers": (
        read_by_two,
        "MaxPool 99: it would lose its input",
        set(),
    ),
    "only_the_first_layer_reads_the_input": (
        input_read_twice,
        "MaxPool MaxPool_.*: only the first operator may read",
        {"shapes_are_known"},
    ),
    "shapes_are_known": (
        lambda m: m.graph.input[0].type.tensor_type.shape.dim[2].Clear(),
        "Conv Conv_1: the shape of its output is not known",
        set(),
    ),
    "layers_say_the_bits_of_their_weights": (
        lambda m: drop(node(m, *PW), "weight_bits"),
        "Conv Conv_.*: its attribute weight_bits must be 2, 4 or 8",
        set(),
    ),
    "layers_say_the_bits_of_their_bias": (
        lambda m: drop(node(m, *PW), "bias_bits"),
        "its attribute bias_bits must be 32",
        set(),
    ),
    "weights_are_told_from_biases_by_name": (
        lambda m: rename(m, node(m, *STEM).input[2], "offset"),
        r"of its constants \['constant0.weight', 'offset'\], exactly one must lack 'bias'",
        set(),
    ),
    "weights_fit_their_bits": (
        lambda m: change(m, node(m, *PW), lambda w: w + 0.25),
        "its weights must be integers from -2 to 1",
        set(),
    ),
    "weights_outnumber_channels": (
        lambda m: alone(m, 4, 8, kernel=1),
        "4 weights for 4 channels are not recognised as weights",
        set(),
    ),
    "convolutions_state_their_geometry": (
        lambda m: drop(node(m, *PW), "dilations"),
        "it must state its attributes dilations",
        set(),
    ),
    "groups_are_one_or_depthwise": (
        grouped,
        "4 groups of 8 input and 8 output channels",
        {"accumulators_do_not_overflow"},
    ),
    "pads_are_four_numbers": (
        separate_pad,
        "Pad Pad_15: give its pads to the convolution",
        set(),
    ),
    "square_linear_layers_are_not_transposed": (
        transposed,
        "DORY would transpose its square weights",
        set(),
    ),
    "pools_state_their_geometry": (
        lambda m: drop(node(m, "MaxPool"), "strides"),
        "MaxPool MaxPool_.*: it must state its attributes strides",
        {"shapes_are_known"},
    ),
    "global_pools_and_no_others_are_called_global": (
        lambda m: setattr(node(m, *PW), "name", "Global_features"),
        "'Global' must be in the name of a global pool, and in no other; this one is 'Global_fea",
        set(),
    ),
    "average_pools_have_no_pads": (
        padded_mean,
        "averages of padded windows are not what kernels compute",
        set(),
    ),
    "pool_multipliers_are_multiples_of_the_area": (
        lambda m: change(m, behind_pool(m, 1), lambda k: k + 1),
        "its multiplier must be a multiple of the 4 pixels",
        set(),
    ),
    "means_of_unsigned_codes_are_not_negative": (
        lambda m: change(m, behind_pool(m, 2), lambda k: -k),
        "Add Add_.*: behind a pool of unsigned codes, it must not be negative",
        set(),
    ),
    "means_of_signed_codes_are_requantised": (
        signed_mean,
        "AveragePool AveragePool_1: the mean of signed codes must be requantised",
        set(),
    ),
    "clip_limits_are_attributes": (
        lambda m: drop(node(m, "Clip"), "min"),
        "Clip Clip_.*: its limits must be the attributes min and max",
        set(),
    ),
    "clips_say_their_bits": (
        lambda m: drop(node(m, "Clip", 4), "out_bits"),
        "Clip Clip_.*: its attribute out_bits must be 2, 4 or 8",
        {"inputs_have_two_four_or_eight_bits"},
    ),
    "clip_limits_match_the_bits": (
        lambda m: put(node(m, "Clip"), "max", 127.0),
        "it clips to 0 to 127, but 8 bits are 0 to 255",
        set(),
    ),
    "requantisations_are_complete": (
        product_with_separate_bias,
        "Add 91: it is no part of a requantisation",
        set(),
    ),
    "requantisations_follow_layers": (
        requantised_maximum,
        "Mul Mul_.*: it must follow a convolution, a linear layer or an average pool",
        set(),
    ),
    "multipliers_match_their_layer": (
        vector_behind_pool,
        "Mul Mul_.*: behind a pool, its constant must be a scalar",
        set(),
    ),
    "divisors_are_powers_of_two": (
        lambda m: (
            node(m, "Constant")
            .attribute[0]
            .t.CopyFrom(onnx.numpy_helper.from_array(np.array(1000.0)))
        ),
        "Div Div_.*: its divisor must be one constant power of two",
        set(),
    ),
    "requantisation_bits_are_annotated": (
        lambda m: drop(node(m, "Mul"), "mult_bits"),
        "Mul Mul_2: its attribute mult_bits must be 32 or 64",
        set(),
    ),
    "requantisation_constants_are_integers": (
        lambda m: change(m, node(m, "Add"), lambda v: v + 0.25),
        "Add Add_3: its constant must hold integers of 32 bits",
        set(),
    ),
    "accumulators_do_not_overflow": (
        lambda m: change(m, node(m, "Mul"), lambda k: k * 2),
        r"Conv Conv_1: k acc \+ l may reach \d+, which 32 bits do not hold; lower the shift",
        set(),
    ),
    "adders_have_all_attributes": (
        lambda m: drop(node(m, "Add", 3), "in2_rq"),
        "Add Add_.*: its attributes in2_rq are missing",
        set(),
    ),
    "requantisations_left_out_are_identities": (
        lambda m: put(node(m, "Add", 3), "out_mul", 2),
        r"out_rq is 0, so that .* must be 1, 0 and 0, not \[2, 0, 0\]",
        set(),
    ),
    "adders_clip_inputs_to_their_own_codes": (
        lambda m: put(node(m, "Add", 3), "in2_n_levels", 16),
        "in2_n_levels is 16, but 7 has 8 bits",
        set(),
    ),
    "adders_write_whole_bits": (
        lambda m: put(node(m, "Add", 3), "out_n_levels", 255),
        "out_n_levels must be 4, 16 or 256, not 255",
        {"inputs_have_two_four_or_eight_bits"},
    ),
    "adders_of_different_codes_read_the_later_first": (
        swap_adder,
        "its inputs differ in bits or sign, so .* must come first",
        set(),
    ),
    "adders_follow_one_of_their_inputs": (
        adder_far_away,
        "one of its inputs must be the output of the layer before it",
        set(),
    ),
    "adders_do_not_overflow": (
        lambda m: put(node(m, "Add", 3), "in2_mul", 2**24),
        "in2_mul and in2_add lead to .*, which 32 bits do not hold",
        set(),
    ),
    "inputs_have_two_four_or_eight_bits": (
        lambda m: put(node(m, "Add", 3), "out_n_levels", 2**5),
        "its input .* has 5 bits, not 2, 4 or 8",
        {"adders_write_whole_bits"},
    ),
    "pixels_fill_bytes": (
        six_hidden,
        "6 channels of 2 bits do not fill bytes; add channels of zeros up to 8",
        set(),
    ),
    "weights_fill_bytes": (
        lambda m: alone(m, 2, 2),
        "18 weights of 2 bits do not fill bytes",
        set(),
    ),
    "depthwise_layers_of_few_bits_have_channels_in_pairs": (
        five_channels,
        "depthwise kernels of 2 bits take channels in pairs, but there are 5",
        {"weights_fill_bytes"},
    ),
}


#: Further ways to break a rule that has several.
MORE: list[tuple[str, Callable[[Model], object], str]] = [
    (
        "weights_are_told_from_biases_by_name",
        exchanged_names,
        "its weights must not have 'bias' in their name debiased",
    ),
    (
        "weights_are_told_from_biases_by_name",
        lambda m: rename(m, node(m, *PW).input[1], "k"),
        "DORY uses the name k of its constant for itself",
    ),
    (
        "pads_are_four_numbers",
        lambda m: put(node(m, *PW), "pads", [0, 0]),
        "its attribute pads must have four numbers, not 2",
    ),
    (
        "global_pools_and_no_others_are_called_global",
        lambda m: setattr(node(m, "AveragePool"), "op_type", "GlobalAveragePool"),
        "GlobalAveragePool AveragePool_.*: 'Global' must be in the name of a global pool",
    ),
    (
        "multipliers_match_their_layer",
        lambda m: change(m, node(m, "Mul"), lambda k: k.ravel()[0]),
        r"Mul Mul_2: behind a layer of 8 channels, its constant needs as many numbers, not .*\(\)",
    ),
    (
        "clip_limits_are_attributes",
        lambda m: node(m, "Clip").input.append("constant0.weight"),
        "Clip Clip_.*: its limits must be the attributes min and max",
    ),
    (
        "requantisations_are_complete",
        lambda m: rename(m, node(m, "Mul").output[0], "4"),
        "Mul Mul_2: it is no part of a requantisation",
    ),
    (
        "requantisations_follow_layers",
        lambda m: node(m, "Mul", 3).input.__setitem__(0, node(m, "Clip").output[0]),
        "Mul Mul_.*: it must follow",
    ),
    (
        "convolutions_state_their_geometry",
        lambda m: node(m, *PW).ClearField("attribute"),
        "it must state its attributes kernel_shape, strides, dilations, group",
    ),
    (
        "operators_are_accepted",
        lambda m: setattr(node(m, "Floor"), "op_type", "Round"),
        "Round Floor_.*: DORY does not know this operator",
    ),
]
