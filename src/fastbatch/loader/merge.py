# SPDX-License-Identifier: MIT
"""`merge_states`: one state from those of all ranks, also if some ranks were ahead of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastbatch.checks import listed, whole
from fastbatch.errors import StateError

from .state import State, read_state

_ALIKE = ("kind", "seed", "order", "dataset", "length")


def merge_states(states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the state at which all ranks together go on, from the states of all ranks.

    If all ranks are equally far, it is the state of each. If some are behind, by a batch or by more, because they were
    slower or crashed, it is the state of the last one: from there on every sample comes once, and none is lost. What
    the others had returned beyond it comes again, and `repeated` says how much that is.

    Args:
        states: `state_dict()` of rank 0, rank 1, ..., all of one training; also those of `fastbatch.torch`'s loaders
            with `shard="torch"` or over a loader of fastbatch.

    Returns:
        A state for `load_state_dict`, on any number of ranks. Its field `repeated` is a list with a dict for each rank
        that was ahead: `rank`; `epoch` and `position` that it had reached; `samples`, how many of its samples come
        again (of text: words or lines; of `documents`: batches; of generators: items), or None if it was in the next
        epoch.

    Raises:
        StateError: Not states, states of different data, orders or seeds, or of epochs that are not neighbours; the
            message names the rank.
        TypeError, ValueError: Not a list, or an empty one.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> ranks = [fb.arrays(np.arange(24), batch_size=2, shard=(rank, 2)) for rank in range(2)]
        >>> iterators = [iter(loader) for loader in ranks]
        >>> [next(iterators[rank]).tolist() for rank in (0, 1, 0)]  # rank 1 is a batch behind
        [[0, 2], [1, 3], [4, 6]]
        >>> state = fb.merge_states([loader.state_dict() for loader in ranks])
        >>> state["position"], state["repeated"]
        (4, [{'rank': 0, 'epoch': 0, 'position': 8, 'samples': 2}])
        >>> alone = fb.arrays(np.arange(24), batch_size=2)
        >>> alone.load_state_dict(state)
        >>> next(iter(alone)).tolist()
        [4, 5]

    Source: `src/fastbatch/loader/merge.py`.
    """
    given = listed("states", states, "the states of all ranks")
    if not given:
        raise ValueError("states: expected the states of all ranks, found none")
    read = [_read(rank, state) for rank, state in enumerate(given)]
    for rank, state in enumerate(read[1:], 1):
        for name in _ALIKE:
            expected, found = getattr(read[0], name), getattr(state, name)
            if found != expected:
                raise StateError(f"rank {rank}: {name} differs from that of rank 0", expected=expected, found=found)
    behind = min(range(len(read)), key=lambda rank: _progress(read[rank]))
    ahead = max(range(len(read)), key=lambda rank: _progress(read[rank]))
    first, last = read[behind], read[ahead]
    if last.epoch > first.epoch + 1:
        raise StateError(
            f"rank {behind} is at epoch {first.epoch} and rank {ahead} at epoch {last.epoch}: states of different times"
        )
    repeated = [
        {
            "rank": rank,
            "epoch": state.epoch,
            "position": state.position,
            "samples": _returned(rank, len(read), first, state),
        }
        for rank, state in enumerate(read)
        if _progress(state) > _progress(first)
    ]
    merged = given[behind] if _is_of_torch(given[behind]) else first.to_dict()
    return {**merged, "repeated": repeated}


def _is_of_torch(state: Any) -> bool:
    """Return whether it is a state of a loader of `fastbatch.torch`, which has that of its order in a field."""
    return isinstance(state, Mapping) and "batches" in state and "generators" in state


def _read(rank: int, state: Any) -> State:
    if _is_of_torch(state):
        order, data = state.get("sampler"), state.get("dataset")
        if isinstance(data, Mapping) and "kind" in data:  # of a loader of fastbatch
            return _read(rank, data)
        if not isinstance(order, Mapping) or set(order) != {"epoch", "position", "samples"} or data is not None:
            raise StateError(
                f"rank {rank}: expected a state of a loader with shard='torch' and a dataset without a state of its own"
            )
        size = state.get("batch_size")
        try:
            epoch, position = (whole(name, order[name], 0) for name in ("epoch", "position"))
        except (TypeError, ValueError) as error:
            raise StateError(f"rank {rank}: not a state of fastbatch.torch: {error}") from error
        return State("fastbatch.torch", 0, epoch, position, f"batches of {size}", f"{order['samples']} samples")
    kind = state.get("kind", "arrays") if isinstance(state, Mapping) else "arrays"
    try:
        return read_state(state, kind if isinstance(kind, str) else "arrays")
    except StateError as error:
        raise StateError(f"rank {rank}: {error.message}") from None


def _progress(state: State) -> tuple[int, int]:
    return state.epoch, state.position


def _returned(rank: int, world_size: int, first: State, reached: State) -> int | None:
    """Return how many positions between two states a rank has: rank, rank + world_size, ..."""
    if reached.epoch != first.epoch:
        return None
    before, after = (max(0, -(-(one.position - rank) // world_size)) for one in (first, reached))
    return after - before
