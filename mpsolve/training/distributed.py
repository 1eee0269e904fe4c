"""One process or several: the few collective operations that training needs.

``torchrun --nproc-per-node=N`` starts N processes and tells them so in their environment.
"""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Seconds that a process waits for the others when it ends.
LEAVING = 10


@dataclass(frozen=True, slots=True)
class Process:
    """One of ``world`` processes that train the same network.

    Attributes
    ----------
    device
        Where it computes.
    rank, world
        Its number, from 0, and how many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that writes files and reports."""
        return self.rank == 0

    def share(self, model: nn.Module, *, resting: bool = False) -> nn.Module:
        """The network as it is to be called: its gradients become means over all processes.

        With ``resting``, some parameters may have no gradient in some steps.
        """
        if self.world == 1:
            return model
        return DistributedDataParallel(model, find_unused_parameters=resting)

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all processes, which every process gets."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in some process."""
        if self.world == 1:
            return flag
        return bool(self.sum(torch.tensor(float(flag), device=self.device)) > 0)

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes in the order of their ranks."""
        if self.world == 1:
            return [value]
        values = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def equalise(self, model: nn.Module) -> None:
        """Give every process the buffers of the first, such as batch statistics."""
        if self.world > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.world > 1:
            dist.barrier()


def this_process(device: str = "auto") -> Process:
    """What this process is; the first call connects it with the others, if there are any.

    Parameters
    ----------
    device
        ``auto`` (CUDA where there is some), ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    InputError
        If there is no such device.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if world == 1:
        return Process(choose_device(device))
    own = choose_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if own.type == "cuda":
        torch.cuda.set_device(own)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
        # Not after every training: torchrun's store does not connect the same processes twice.
        atexit.register(leave)
    return Process(own, rank, world)


def leave() -> None:
    """End together, at exit: gloo may abort a process whose partner is gone before it has left."""
    if dist.get_backend() == "gloo":
        with suppress(RuntimeError):  # a partner that has failed never comes
            dist.monitored_barrier(timeout=timedelta(seconds=LEAVING))
    dist.destroy_process_group()


def choose_device(text: str, local_rank: int | None = None) -> torch.device:
    """The device that a person named; see `this_process`."""
    available = torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if available else "cpu") if text == "auto" else text)
    except RuntimeError:
        raise InputError(f"There is no device {text!r}; try auto, cpu, cuda or cuda:0.") from None
    if device.type != "cuda":
        return device
    index = local_rank if local_rank is not None else device.index
    count = torch.cuda.device_count() if available else 0
    if count <= (index or 0):
        raise InputError(f"{text}: this machine has {count} CUDA devices; try cpu.")
    return device if index is None else torch.device("cuda", index)
