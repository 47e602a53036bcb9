# SPDX-License-Identifier: MIT
"""`check_ranks`: whether all ranks have the same data, order and position, by hash."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from fastbatch.checks import shown
from fastbatch.errors import StateError

from .loader import Loader

_MOST_RANKS = 8  # named in a message
_OF_PLAN = ("batch_size", "world_size", "tail", "drop_last", "on_error")
_OF_STATE = ("kind", "seed", "epoch", "position", "unit", "byte", "order", "dataset", "length")


def rank_digest(loader: Loader) -> dict[str, Any]:
    """Return what `check_ranks` compares: a small dict for JSON, which any transport can gather.

    Args:
        loader: The loader of this rank.

    Returns:
        `rank`; `fields`, which must be equal on all ranks: data, order, seed, epoch, position, batch size, number of
        ranks, shapes and types; and `hash`, a hash of them.

    Raises:
        TypeError: Not a loader that has states.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> digests = [fb.rank_digest(fb.arrays(np.arange(9), shard=(rank, 2))) for rank in range(2)]
        >>> digests[0]["hash"] == digests[1]["hash"]
        True

    Source: `src/fastbatch/loader/agreement.py`.
    """
    if not isinstance(loader, Loader):
        raise TypeError(f"loader: expected a loader of fastbatch, found {shown(loader)}")
    state, plan = loader.state_dict(), getattr(loader, "_loader", loader)._plan
    fields = {name: state[name] for name in _OF_STATE if name in state}
    fields |= {name: getattr(plan, name) for name in _OF_PLAN if hasattr(plan, name)}
    if str(plan.batches):
        fields["batches"] = str(plan.batches)
    recipe = getattr(loader, "_recipe", None)
    if recipe is not None:
        fields["columns"] = ", ".join(f"{column.dtype} {tuple(column.shape)}" for column in recipe.columns)
    return {"rank": plan.rank, "hash": _hash(fields), "fields": fields}


def _hash(fields: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(fields, sort_keys=True).encode(), digest_size=16).hexdigest()


def check_ranks(loader: Loader | Sequence[dict[str, Any]], gather: Callable[[Any], Sequence[Any]] | None = None) -> str:
    """Return the hash of data, order and position that all ranks have; raise an error on all of them if they differ.

    Every rank calls it at the same step, as any collective operation: at the start, and after a resume. Ranks exchange
    a hash of 16 bytes each; only if some differ, the fields as well.

    Args:
        loader: The loader of this rank; or a list of `rank_digest` of all ranks, which are compared here.
        gather: Returns a list with the objects of all ranks, given that of this rank, as `allgather` of mpi4py does.
            None: `all_gather_object` of torch.distributed, if that is initialized.

    Returns:
        The hash that all ranks have.

    Raises:
        StateError: Ranks that differ; the message names them, the fields, and the values. Or ranks that are there
            twice or not at all.
        ValueError: More than one rank, and no way to gather.
        TypeError: Not a loader that has states.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> loaders = [fb.arrays(np.arange(9), shuffle=True, seed=rank // 2, shard=(rank, 3)) for rank in range(3)]
        >>> fb.check_ranks([fb.rank_digest(loader) for loader in loaders])
        Traceback (most recent call last):
            ...
        fastbatch.errors.StateError: ranks disagree: seed: expected 0, found 1 on rank 2

    Source: `src/fastbatch/loader/agreement.py`.
    """
    if not isinstance(loader, Loader):
        return _compared(loader)
    mine = rank_digest(loader)
    gather = gather or _gather_of_torch()
    if gather is None:
        world_size = mine["fields"]["world_size"]
        if world_size > 1:
            raise ValueError(
                f"check_ranks: expected torch.distributed, initialized, or gather=..., to reach {world_size} ranks, "
                "found neither"
            )
        return _compared([mine])
    short = {**mine, "fields": {"world_size": mine["fields"]["world_size"]}}
    told = list(gather(short))
    if len({one["hash"] for one in told}) > 1:
        told = list(gather(mine))
    return _compared(told)


def _gather_of_torch() -> Callable[[Any], list[Any]] | None:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None

    def gather(mine: Any) -> list[Any]:
        told: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(told, mine)
        return told

    return gather


def _compared(digests: Any) -> str:
    if not isinstance(digests, list | tuple) or not digests or not all(map(_is_digest, digests)):
        raise TypeError(
            f"loader: expected a loader of fastbatch, or rank_digest() of all ranks, found {shown(digests)}"
        )
    wrong = []
    if len({one["hash"] for one in digests}) > 1:
        names = list(dict.fromkeys(name for one in digests for name in one["fields"]))
        wrong = [difference for name in names if (difference := _difference(name, digests))]
    ranks = sorted(one["rank"] for one in digests)
    if ranks != list(range(len(ranks))):
        wrong.append(f"rank: expected 0 to {len(ranks) - 1}, each once, found {', '.join(map(str, ranks))}")
    sizes = {one["fields"]["world_size"] for one in digests}
    if not wrong and sizes != {len(ranks)}:
        wrong.append(f"world_size: expected {len(ranks)}, as many as ranks, found {sizes.pop()}")
    if wrong:
        raise StateError(f"ranks disagree: {'; '.join(wrong)}")
    return str(digests[0]["hash"])


def _is_digest(one: Any) -> bool:
    return isinstance(one, dict) and {"rank", "hash", "fields"} <= one.keys()


def _difference(name: str, digests: Sequence[dict[str, Any]]) -> str:
    """Return in words which ranks have another value of a field than most; empty if none."""
    values = [one["fields"].get(name) for one in digests]
    expected = Counter(values).most_common(1)[0][0]  # of the first rank, if none is more frequent
    others = [
        f"{shown(value)} on {_named(digests, values, value)}" for value in dict.fromkeys(values) if value != expected
    ]
    return f"{name}: expected {shown(expected)}, found {', '.join(others)}" if others else ""


def _named(digests: Sequence[dict[str, Any]], values: Sequence[Any], value: Any) -> str:
    ranks = [str(one["rank"]) for one, found in zip(digests, values, strict=True) if found == value]
    more = f" and {len(ranks) - _MOST_RANKS} more" if len(ranks) > _MOST_RANKS else ""
    return f"{'rank' if len(ranks) == 1 else 'ranks'} {', '.join(ranks[:_MOST_RANKS])}{more}"
