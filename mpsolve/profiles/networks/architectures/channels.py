"""How width multipliers are rounded to whole channels."""


def floor_channels(channels: int, width: float) -> int:
    """Rounded down, as MobileNetV1 does: at width 0.75, 32 channels become 24."""
    return int(channels * width)


def multiple_of_8(channels: int, width: float) -> int:
    """The nearest multiple of 8, as MobileNetV2 and MNasNet use, but not below 90 %.

    Examples
    --------
    >>> multiple_of_8(24, 0.75), multiple_of_8(24, 0.5)  # 18 and 12 channels
    (24, 16)
    """
    exact = channels * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * exact else rounded + 8
