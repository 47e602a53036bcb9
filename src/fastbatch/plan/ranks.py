# SPDX-License-Identifier: MIT
"""Which rank this process is: `shard="auto"` asks the frameworks that run, then the environment of launchers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex, cast

from fastbatch.checks import shown, whole

AUTO = "auto"
MAX_WORLD_SIZE = 2**32
_GIVE = "give shard=(rank, world_size)"


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together. Immutable.

    Attributes:
        rank: Its number, from 0.
        world_size: Their number.
        source: What says so: "torch.distributed", "Ray Train", "JAX", "RANK, WORLD_SIZE" or "SLURM_PROCID,
            SLURM_NTASKS"; "nothing found" of one process alone; "" if the user has given both.
    """

    rank: int
    world_size: int
    source: str = ""

    def is_part_of(self, launcher: Ranks) -> bool:
        """Return whether `launcher` may have started this process and its neighbours as one of its own processes."""
        per_process, rest = divmod(self.world_size, launcher.world_size)
        return rest == 0 and self.rank // per_process == launcher.rank

    def __str__(self) -> str:
        return f"{self.source}: rank {self.rank} of {self.world_size}"


def rank_and_size(shard: Any) -> tuple[Any, Any]:
    """Return the two parts of `shard=(rank, world_size)`, not yet checked; of None (0, 1), of "auto" ("auto", None)."""
    if isinstance(shard, str) and shard == AUTO:
        return AUTO, None
    try:
        if isinstance(shard, str | dict | set | frozenset):
            raise TypeError
        rank, world_size = (0, 1) if shard is None else shard
    except (TypeError, ValueError):
        raise TypeError(f"shard: expected (rank, world_size) or 'auto', found {shown(shard)}") from None
    return rank, world_size


def checked_ranks(rank: SupportsIndex | str, world_size: SupportsIndex | None) -> Ranks:
    """Return the given ranks, checked; for the rank "auto" those that are found.

    Raises:
        TypeError, ValueError: Not integers, or out of range; or what is found contradicts itself.
    """
    if rank == AUTO:
        if world_size is not None:
            raise TypeError(f"world_size: expected none beside 'auto', found {shown(world_size)}")
        return find_ranks(os.environ)
    if world_size is None:
        raise TypeError(f"shard: expected a rank and a world_size, or 'auto', found {shown(rank)} alone")
    world = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
    return Ranks(whole("rank", cast("SupportsIndex", rank), 0, world - 1), world)


def shown_shard(plan: Any, more: str = "") -> list[str]:
    """Return the shard of a plan for `repr`, with what it was found by; nothing for a loader without shards."""
    if plan.found_by:
        return [f"shard='auto' (rank {plan.rank} of {plan.world_size}: {plan.found_by}){more}"]
    return [f"shard=({plan.rank}, {plan.world_size}){more}"] if plan.world_size > 1 else []


def find_ranks(environment: Mapping[str, str]) -> Ranks:
    """Return the rank of this process: the first that is found of those in `Ranks.source`; else one process alone.

    A framework counts only if the program has imported and initialized it; nothing is imported for it.

    Raises:
        ValueError: Sources that contradict each other, or variables that are set only in part; the message names them.
    """
    running = [found for ask in (torch_ranks, _ray_train, _jax) if (found := ask()) is not None]
    by_rank = _of_variables(environment)
    # Ray's and torchrun's processes inherit the variables of a task of srun, but are numbered otherwise.
    inherited = "TORCHELASTIC_RUN_ID" in environment or any(one.source == _RAY for one in running)
    by_slurm = None if inherited else _of_slurm(environment, alone=not running and by_rank is None)
    for one in running[1:]:
        if (one.rank, one.world_size) != (running[0].rank, running[0].world_size):
            raise ValueError(f"shard='auto': {running[0]}, but {one}; {_GIVE}")
    told = [*running[:1], *(one for one in (by_rank, by_slurm) if one is not None)]
    for one in told[1:]:
        if not told[0].is_part_of(one):
            raise ValueError(f"shard='auto': {told[0]}, but {one}; {_GIVE}")
    return told[0] if told else Ranks(0, 1, "nothing found")


_RAY = "Ray Train"


def torch_ranks() -> Ranks | None:
    """Return the rank of torch.distributed; None if it is not imported or not initialized."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return Ranks(distributed.get_rank(), distributed.get_world_size(), "torch.distributed")


def _ray_train() -> Ranks | None:
    train = sys.modules.get("ray.train")
    if train is None:
        return None
    try:
        context = train.get_context()
        rank, world_size = context.get_world_rank(), context.get_world_size()
    except RuntimeError:  # not in a worker
        return None
    return None if rank is None or world_size is None else Ranks(int(rank), int(world_size), _RAY)


def _jax() -> Ranks | None:
    jax = sys.modules.get("jax")
    is_initialized: Callable[[], bool] | None = getattr(getattr(jax, "distributed", None), "is_initialized", None)
    if jax is None or is_initialized is None or not is_initialized():
        return None  # to ask jax.process_index() now would keep the program from initializing it later
    return Ranks(jax.process_index(), jax.process_count(), "JAX")


def _of_variables(environment: Mapping[str, str]) -> Ranks | None:
    names = ("RANK", "WORLD_SIZE")
    found = [name for name in names if name in environment]
    if len(found) == 1:
        missing = next(name for name in names if name not in environment)
        raise ValueError(f"shard='auto': {found[0]}={environment[found[0]]} is set without {missing}; {_GIVE}")
    return _read(environment, *names) if found else None


def _of_slurm(environment: Mapping[str, str], alone: bool) -> Ranks | None:
    """Return the task of `srun`. A batch script's own process is task 0 too, but in no step.

    Args:
        alone: Nothing else tells the rank, so that variables which do not suffice are an error.
    """
    rank, size = "SLURM_PROCID", "SLURM_NTASKS"
    in_script = "SLURM_JOB_ID" in environment and "SLURM_STEP_ID" not in environment
    if rank not in environment and size not in environment:
        return None
    if not alone and (in_script or rank not in environment or size not in environment):
        return None
    if in_script and environment.get(size, "1") == "1" and environment.get(rank, "0") == "0":
        return None
    if rank not in environment:
        raise ValueError(
            f"shard='auto': {size}={environment[size]} is set without {rank}: start the tasks by srun, or {_GIVE}"
        )
    if size not in environment:
        raise ValueError(f"shard='auto': {rank}={environment[rank]} is set without {size}; {_GIVE}")
    found = _read(environment, rank, size)
    if in_script and found.rank == 0:
        raise ValueError(
            f"shard='auto': {size}={found.world_size}, but there is no SLURM_STEP_ID: this is the batch script's own "
            f"process. Start the tasks by srun, or {_GIVE}"
        )
    return found


def _read(environment: Mapping[str, str], rank_name: str, size_name: str) -> Ranks:
    rank, world_size = (_number(environment, name) for name in (rank_name, size_name))
    if not 1 <= world_size <= MAX_WORLD_SIZE:
        raise ValueError(f"shard='auto': {size_name}: expected 1 to {MAX_WORLD_SIZE}, found {world_size}; {_GIVE}")
    if not 0 <= rank < world_size:
        raise ValueError(
            f"shard='auto': {rank_name}: expected 0 to {world_size - 1} ({size_name}={world_size}), found {rank}; "
            f"{_GIVE}"
        )
    return Ranks(rank, world_size, f"{rank_name}, {size_name}")


def _number(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except ValueError:
        found = shown(environment[name])
        raise ValueError(f"shard='auto': {name}: expected an integer, found {found}; {_GIVE}") from None
