"""Array types used throughout."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
#: int64 or float64: integers stay integers, so that their sums are exact.
NumberArray: TypeAlias = NDArray[Any]
#: An exact integer where the data are integers.
Number: TypeAlias = int | float
