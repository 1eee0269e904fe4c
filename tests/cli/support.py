"""A table of three layers whose optima can be enumerated by hand, and how to run the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from click.testing import Result

#: Of the 2 x 2 x 2 assignments these are the best for a growing latency: 120 -> loss 9,
#: 150 -> 8, 160 -> 4, 190 -> 3. All in 8b/8b cost 190, all in 4b/4b 125 with loss 15.
SMALL = """\
layer,b_in,b_wt,latency,latency_unit,sensitivity,weight_bits_total
conv0,8,8,100,cycles,0,800
conv0,4,4,60,cycles,5,400
b0.dw,8,8,50,cycles,1,80
b0.dw,4,4,55,cycles,7,40
fc,8,8,40,cycles,2,4000
fc,4,4,10,cycles,3,2000
"""

#: A network in a file, and one with an adder.
NET = """
from torch import nn
def make():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), nn.Flatten(),
        nn.Linear(128, 10))
class residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.relu, self.fc = nn.ReLU6(), nn.Linear(64, 10)
    def forward(self, x):
        x = self.relu(self.one(x))
        return self.fc(self.relu(x + self.relu(self.two(x))).flatten(1))
"""
#: Two epochs on the digits.
FAST = ("--data", "digits", "--set", "epochs=2")


class Run(Protocol):
    """Runs the command line in this process."""

    def __call__(self, *arguments: object, stdin: str | None = None) -> Result:
        """Run it with these arguments and this standard input."""


def process(*arguments: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mpsolve", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """The environment of a process that imports this package, whether or not it is installed."""
    root = str(Path(__file__).parents[2])
    return os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
