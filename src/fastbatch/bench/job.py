# SPDX-License-Identifier: MIT
"""A scenario's request to every rival, and the rival's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

SIDE = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One epoch's work: `n` samples from `data`, in batches, each with its label."""

    kind: (
        str  # "rows": float32, unchanged; "images": uint8 HWC -> normalised float32 CHW; "jpeg": so, from a folder;
        # "windows": overlapping rows; "tokens": uint16 -> int64, with the next tokens as the label
    )
    data: str  # .npy file, or the folder of class folders
    n: int
    batch_size: int
    threads: int
    columns: int = 0  # of rows
    length: int = 0  # rows of a window, tokens of a context
    stride: int = 0  # rows or tokens from the start of one sample to the next
    ids: str = ""  # .npy of int64 labels 0..n-1; "": the label is the index of the class folder, sorted by name
    shuffle: bool = True
    seed: int = 0
    crop: str = "none"  # of JPEGs: "none" (stretched), "center" (the shorter side becomes `resize`), "random_resized"
    resize: int = 0
    flip: bool = False
    exact: bool = False  # fastbatch decodes whole images, like Pillow
    is_large: bool = False  # the photographs are large enough for scaled decoding
    is_cold: bool = False  # each epoch starts with a dropped page cache and opens the data again

    @property
    def draws(self) -> bool:
        """Whether photographs are cropped or mirrored at random."""
        return self.flip or self.crop == "random_resized"


@dataclass(frozen=True, kw_only=True)
class Feed:
    """An opened rival: `epoch()` starts one full epoch of (samples, labels) batches."""

    epoch: Callable[[], Iterable[tuple[Any, Any]]]
    config: str  # its settings, for the table
    other_work: str = ""  # how its batches differ from the request; "" if they do not
    layout: str = "NCHW"
    own_draws: bool = False  # it draws its own crops and flips, so that samples cannot be compared
    close: Callable[[], None] = lambda: None


class Skipped(Exception):  # noqa: N818 - not an error
    """Raised by a rival that cannot take part, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound on the ratio of two contestants' rates, or on a measured value."""

    of: str
    to: str = ""  # a contestant, or "fastest rival"; "" for a measured value
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "x"

    @property
    def name(self) -> str:
        return f"{self.of} / {self.to}" if self.to else self.of

    def is_reached(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)
