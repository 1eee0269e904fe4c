"""All operators of integer graphs."""

from __future__ import annotations

from typing import TypeAlias

from mpsolve.deploy.layers import Conv, Linear
from mpsolve.deploy.operators import Add, AveragePool, Flatten, MaxPool

Node: TypeAlias = Conv | Linear | Add | AveragePool | MaxPool | Flatten
