"""Windows that slide over an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.typing import IntArray


def window_shape(
    name: str,
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> tuple[int, int]:
    """Rows and columns of windows that fit into a padded image ``(C, H, W)``.

    Raises
    ------
    InputError
        If none fits, or a pad is as large as the kernel; the message names the node.
    """
    if min(*kernel, *stride) < 1 or min(pads) < 0:
        raise InputError(f"Node {name}: kernel and stride are at least 1, pads at least 0.")
    if max(pads[0], pads[2]) >= kernel[0] or max(pads[1], pads[3]) >= kernel[1]:
        raise InputError(
            f"Node {name}: pads {pads} are as large as the kernel {kernel}, so that some windows "
            "would see no pixel."
        )
    height = (shape[1] + pads[0] + pads[2] - kernel[0]) // stride[0] + 1
    width = (shape[2] + pads[1] + pads[3] - kernel[1]) // stride[1] + 1
    if min(height, width) < 1:
        raise InputError(f"Node {name}: a kernel of {kernel} does not fit into {shape[1:]}.")
    return height, width


def windows(
    images: IntArray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    fill: int = 0,
) -> Iterator[tuple[int, int, IntArray]]:
    """For every kernel position, what all windows see there.

    Parameters
    ----------
    images
        ``(N, C, H, W)``.
    kernel, stride, pads
        As those of a convolution.
    fill
        What the pads hold.

    Yields
    ------
    Row and column within the kernel, and ``(N, C, OH, OW)`` what lies there.
    """
    height, width = window_shape("", images.shape[1:], kernel, stride, pads)
    top, left, bottom, right = pads
    border = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(images, border, constant_values=fill)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            rows = slice(row, row + (height - 1) * stride[0] + 1, stride[0])
            columns = slice(column, column + (width - 1) * stride[1] + 1, stride[1])
            yield row, column, padded[:, :, rows, columns]
