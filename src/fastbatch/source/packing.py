# SPDX-License-Identifier: MIT
"""Documents packed into contexts of a fixed number of tokens. In C++: `csrc/plan/packing.h`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PackPart = Literal["input_ids", "targets", "segment_ids", "position_ids"]
NUMBERS: tuple[PackPart, ...] = ("segment_ids", "position_ids")


@dataclass(frozen=True, eq=False)
class Packing:
    """The pieces of documents, pack by pack. Immutable.

    Attributes:
        starts: First token of each piece, uint64.
        lengths: Tokens of each piece, uint32.
        ends: Of each pack, the piece after its last, uint64.
        context: Tokens of a pack; shorter ones are padded.
    """

    starts: NDArray[np.uint64]
    lengths: NDArray[np.uint32]
    ends: NDArray[np.uint64]
    context: int

    def __post_init__(self) -> None:
        for array in (self.starts, self.lengths, self.ends):
            array.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of packs."""
        return len(self.ends)

    @property
    def fill(self) -> float:
        """Share of the packs' elements that are tokens."""
        return float(self.lengths.sum(dtype=np.uint64)) / (self.n * self.context) if self.n else 0.0

    def pieces(self, pack: int) -> list[tuple[int, int]]:
        """Return start and length of each piece of a pack."""
        part = slice(int(self.ends[pack - 1]) if pack else 0, int(self.ends[pack]))
        return list(zip(self.starts[part].tolist(), self.lengths[part].tolist(), strict=True))

    def identity(self) -> Any:
        """Return the identity of the pieces, as a value for JSON."""
        import hashlib  # slow to import, and only states need it

        digest = hashlib.blake2b(digest_size=16)
        for array in (self.starts, self.lengths, self.ends):
            digest.update(array.data.cast("B"))
        return [self.n, self.context, digest.hexdigest()]
