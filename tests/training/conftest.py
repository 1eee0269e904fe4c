"""Settings of every test that runs torch."""

from __future__ import annotations

import torch

# Contended threads make small networks slower by orders of magnitude.
torch.set_num_threads(1)
