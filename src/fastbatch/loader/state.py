# SPDX-License-Identifier: MIT
"""The saved state of a loader: epoch and position, in one format for all kinds, a small dict for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from fastbatch.checks import MAX_INT64, MAX_SEED, whole
from fastbatch.errors import StateError
from fastbatch.plan.ranks import MAX_WORLD_SIZE

VERSION = 2
SAMPLES = (
    "arrays",
    "images",
    "windows",
    "tokens",
    "pack",
    "documents",
    "mix",
    "concat",
    "zip",
)  # kinds that differ only in their data


@dataclass(frozen=True)
class State:
    """A saved state. Immutable.

    Attributes:
        kind: "arrays", "images", "windows", "tokens", "pack", "documents", "mix", "concat", "zip", "words",
            "lines", "restartable", "DataGenerator" or "ImageDataLoader".
        epoch: The current epoch, or the next one.
        position: Samples, words, lines or items that all ranks together have returned in this epoch.
        order: The options that determine the order besides seed, epoch and data, in one line.
        dataset: Fingerprint of the data.
        unit, byte: For text: number of the file or of the shuffled line, and the byte offset in it.
        world_size: For a `restartable`: number of ranks when the position was counted.
        length: For a `DataGenerator`: batches of an epoch.
    """

    kind: str
    seed: int
    epoch: int
    position: int
    order: str = ""
    dataset: str = ""
    unit: int | None = None
    byte: int | None = None
    world_size: int | None = None
    length: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for JSON, without the fields that this kind of loader does not have."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return {"version": VERSION, **fields}

    def refuse_other(self, kind: str, order: str, dataset: str) -> None:
        """Raise StateError if the kind, the order or the data differ from those of a loader."""
        if self.dataset != dataset:
            what = "state of another data set" if self.kind == kind else f"state of {self.kind}, expected {kind}"
            raise StateError(what, expected=dataset, found=self.dataset)
        if self.order != order:
            raise StateError("state of a loader with another order", expected=order, found=self.order)


def read_state(state: Mapping[str, Any], kind: str) -> State:
    """Return the checked state for a kind of loader, from a dict of version 1 or of the current version.

    Raises:
        StateError: Not a state, or a state of an unknown version or of another kind of loader.
    """
    with _reading(f"a state of {kind}"):
        version = state["version"]
        if version not in (1, VERSION):
            raise StateError(f"not a state of {kind} of this version", expected=f"1 or {VERSION}", found=version)
        found = state.get("kind", "arrays") if version == 1 else state["kind"]
        if found != kind and not (found in SAMPLES and kind in SAMPLES):
            raise StateError(f"state of {found}, expected {kind}")
        return _from_dict(found, _of_version_1(found, state) if version == 1 else state)


def _of_version_1(kind: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a state of version 1 with the missing fields added."""
    if kind == "restartable":
        return {"seed": 0, "order": "", "dataset": "", **state}
    if kind == "DataGenerator":
        return {"order": f"shuffle {state['shuffle']}", "dataset": "", **state}
    return state


def _from_dict(kind: str, state: Mapping[str, Any]) -> State:
    more = {"words": ("unit", "byte"), "restartable": ("world_size",), "DataGenerator": ("length",)}
    optional = {name: state[name] for name in more.get("words" if kind == "lines" else kind, ())}
    for name, value in optional.items():
        optional[name] = whole(name, value, int(name == "world_size"), MAX_WORLD_SIZE if name == "world_size" else None)
    return State(
        kind,
        whole("seed", state["seed"], 0, MAX_SEED),
        whole("epoch", state["epoch"], 0, MAX_SEED),
        whole("position", state["position"], 0, MAX_INT64),
        str(state["order"]),
        str(state["dataset"]),
        **optional,
    )


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Convert errors caused by a damaged state to StateError."""
    try:
        yield
    except StateError:
        raise
    except KeyError as error:
        raise StateError(f"not {what}: {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise StateError(f"not {what}: {error}") from error


def checked_position(position: int, most: int, kind: str) -> int:
    """Return the position if it is within an epoch, or raise StateError."""
    if position > most:
        raise StateError(f"not a state of {kind}: position: expected 0 to {most}, found {position}")
    return position
