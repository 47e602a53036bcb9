# SPDX-License-Identifier: MIT
"""The order of an epoch: random streams, the computed shuffle, shards and batches.

Nothing here stores an order or draws from a shared generator: all are functions of (seed, epoch, position), so that an
epoch can be resumed at any position at no cost. In C++: `csrc/common/philox.h` and `csrc/plan/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastbatch.plan.blocks import Blocks
from fastbatch.plan.plan import Tail
from fastbatch.plan.streams import EPOCH_ORDER, SPLIT
from fastbatch.plan.streams import stream as stream
from fastbatch.plan.subset import Selection, Subset

Indices = NDArray[np.uint64]
MAX_SIZE = 2**63


def _draw(generator: np.random.Generator, n: int) -> Indices:
    raw: Indices = generator.bit_generator.random_raw(n)
    return raw


def below(generator: np.random.Generator, n: int) -> int:
    """Return a number in [0, n): the high half of the product of a 64-bit draw and n, as in C++."""
    return int(_draw(generator, 1)[0]) * n >> 64


class Permutation:
    """A shuffle of [0, n), n <= 2^63, computed item by item and not stored.

    A number has two digits, x = high * a + low, where a * b >= n, low < a and high < b. Each round adds a keyed hash of
    one digit to the other. A round can be inverted given the keys, so the result is a bijection of [0, a * b). Results
    >= n are permuted again until they are < n ("cycle walking").

    Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002. Source: `csrc/plan/permutation.cpp`.
    """

    def __init__(self, n: int, keys: np.random.Generator) -> None:
        if n > MAX_SIZE:
            raise ValueError(f"a permutation of more than 2^63 items: {n}")
        self.size = n
        last = max(n - 1, 0)
        self._low_bits = np.uint64(max(1, last.bit_length() // 2))
        self._a = np.uint64(1 << int(self._low_bits))
        self._b = np.uint64((last >> int(self._low_bits)) + 1)
        # Small digits mix slowly: `csrc/plan/permutation.h` has the numbers.
        rounds = 24 if n < 256 else 10 if n < 65536 else 6
        self._keys = _draw(keys, rounds) ^ np.uint64(n * 0x9E3779B97F4A7C15 % 2**64)

    def at(self, positions: ArrayLike) -> Indices:
        """Return the item at each position."""
        out = np.array(positions, dtype=np.uint64)
        outside = np.ones(out.shape, dtype=bool)
        while outside.any():
            out[outside] = self._once(out[outside])
            outside = out >= np.uint64(self.size)
        return out

    def inverse(self, items: ArrayLike) -> Indices:
        """Return the position of each item: `inverse(at(i)) == i`."""
        out = np.array(items, dtype=np.uint64)
        outside = np.ones(out.shape, dtype=bool)
        while outside.any():
            out[outside] = self._undo_once(out[outside])
            outside = out >= np.uint64(self.size)
        return out

    def _once(self, x: Indices) -> Indices:
        high, low = x >> self._low_bits, x % self._a
        for even, odd in self._keys.reshape(-1, 2):
            high = (high + _hash(low, even, self._b)) % self._b
            low = (low + _hash(high, odd, self._a)) % self._a
        joined: Indices = high * self._a + low
        return joined

    def _undo_once(self, x: Indices) -> Indices:
        high, low = x >> self._low_bits, x % self._a
        for even, odd in self._keys.reshape(-1, 2)[::-1]:
            low = (low + self._a - _hash(high, odd, self._a)) % self._a
            high = (high + self._b - _hash(low, even, self._b)) % self._b
        joined: Indices = high * self._a + low
        return joined


def _hash(digit: Indices, key: np.uint64, radix: np.uint64) -> Indices:
    """Return hashes below `radix` (at most 2^32) of the digits."""
    x = (digit ^ key) * np.uint64(0xBF58476D1CE4E5B9)  # modulo 2^64
    x = (x ^ (x >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    below: Indices = ((x >> np.uint64(32)) * radix) >> np.uint64(32)
    return below


class Order:
    """The order of one epoch: position within the epoch -> index of the sample in the source.

    Args:
        n: Number of samples in the source.
        subsets: Nested subsets: the first of the source, each next one of the previous one.
        shuffle: False, True, or "block": blocks of `block_size` consecutive samples are permuted; then the samples of
            each window of `window` blocks are permuted.
        blocks: Blocks of different sizes, in place of `block_size`.

    Source: `csrc/plan/order.cpp`.
    """

    def __init__(
        self,
        n: int,
        subsets: Sequence[Subset | Selection] = (),
        shuffle: bool | str = False,
        block_size: int = 1,
        window: int = 1,
        seed: int = 0,
        epoch: int = 0,
        blocks: Blocks | None = None,
    ) -> None:
        if block_size < 1 or window < 1:
            raise ValueError("the blocks and windows of a block shuffle cannot be empty")
        self._subsets = subsets
        self._shuffle = shuffle
        self._seed, self._epoch = seed, epoch
        self.size = n
        for subset in subsets:
            if subset.n != self.size:
                raise ValueError(f"subset: expected one of {self.size} samples, found one of {subset.n}")
            if isinstance(subset, Subset) and subset.start + subset.count > subset.n:
                raise ValueError(
                    f"subset: expected samples from 0 to {subset.n}, found {subset.count} from {subset.start} on"
                )
            self.size = subset.count
        self._block_size = min(block_size, max(self.size, 1))
        self._n_blocks = -(-self.size // self._block_size)
        self._ends = None if blocks is None else blocks.ends
        if self._ends is not None:
            self._n_blocks = len(self._ends)
        self._window = min(window, max(self._n_blocks, 1))

    def at(self, positions: ArrayLike) -> Indices:
        """Return the index of the sample at each position within the epoch."""
        index = np.array(positions, dtype=np.uint64)
        if self._shuffle == "block":
            mix = self._mix_blocks if self._ends is None else self._mix_uneven_blocks
            index = mix(index) if self.size else index
        elif self._shuffle:
            index = Permutation(self.size, stream(self._seed, self._epoch, 0, EPOCH_ORDER)).at(index)
        for subset in reversed(self._subsets):
            if isinstance(subset, Selection):
                index = subset.items[index.astype(np.intp)]
                continue
            index += np.uint64(subset.start)
            if subset.shuffled:
                index = Permutation(subset.n, stream(subset.seed, 0, 0, SPLIT)).at(index)
        return index

    def keys(self, positions: Sequence[int], seed: int) -> list[tuple[int, int]]:
        """Return the key of each sample's random streams: seed and epoch."""
        return [(seed, self._epoch)] * len(positions)

    def _mix_blocks(self, positions: Indices) -> Indices:
        """Return the sample at each position of a block shuffle.

        The permuted blocks occupy slots of `block_size`; only the slot of the source's last block may be shorter.
        """
        blocks = Permutation(self._n_blocks, stream(self._seed, self._epoch, 0, EPOCH_ORDER))
        short_slot = int(blocks.inverse([self._n_blocks - 1])[0])
        missing = self._n_blocks * self._block_size - self.size

        def first_position(slot: int) -> int:
            return slot * self._block_size - (missing if slot > short_slot else 0)

        def slot_and_offset(position: Indices) -> tuple[Indices, Indices]:
            after_short = position >= np.uint64(first_position(short_slot + 1))
            as_if_full = position + np.where(after_short, np.uint64(missing), np.uint64(0))
            return np.divmod(as_if_full, np.uint64(self._block_size))

        mixed = np.empty_like(positions)
        windows = slot_and_offset(positions)[0] // np.uint64(self._window)
        for window in np.unique(windows).tolist():
            begin = first_position(window * self._window)
            end = first_position(min((window + 1) * self._window, self._n_blocks))
            inside = Permutation(end - begin, stream(self._seed, self._epoch, 1 + window, EPOCH_ORDER))
            here = windows == window
            mixed[here] = inside.at(positions[here] - np.uint64(begin)) + np.uint64(begin)
        slot, offset = slot_and_offset(mixed)
        samples: Indices = blocks.at(slot) * np.uint64(self._block_size) + offset
        return samples

    def _mix_uneven_blocks(self, positions: Indices) -> Indices:
        """Return the same with blocks of different sizes, which are found by a search."""
        assert self._ends is not None
        blocks = Permutation(self._n_blocks, stream(self._seed, self._epoch, 0, EPOCH_ORDER))
        order = blocks.at(np.arange(self._n_blocks)).astype(np.intp)  # the block in each slot
        starts = np.concatenate([np.zeros(1, np.uint64), self._ends[:-1]])
        slot_ends = np.cumsum((self._ends - starts)[order], dtype=np.uint64)
        slot_starts = np.concatenate([np.zeros(1, np.uint64), slot_ends[:-1]])
        mixed = np.empty_like(positions)
        windows = np.searchsorted(slot_ends, positions, "right") // self._window
        for window in np.unique(windows).tolist():
            begin = slot_starts[window * self._window]
            end = slot_ends[min((window + 1) * self._window, self._n_blocks) - 1]
            inside = Permutation(int(end - begin), stream(self._seed, self._epoch, 1 + window, EPOCH_ORDER))
            here = windows == window
            mixed[here] = inside.at(positions[here] - begin) + begin
        slots = np.searchsorted(slot_ends, mixed, "right")
        samples: Indices = starts[order[slots]] + (mixed - slot_starts[slots])
        return samples


class _Ordered(Protocol):
    def at(self, positions: ArrayLike) -> Indices: ...


class BatchPlan:
    """The positions of an epoch's order for one rank, divided into batches.

    `position` is the number of samples already consumed by all ranks together. The rest is dealt round-robin: rank r
    gets position + r, position + r + world_size, ... If it does not divide evenly, `tail` decides: "pad" gives every
    rank the same number, repeating samples from the start of the order; "drop" omits the remainder; "uneven" gives one
    more to the first ranks; "mask" fills all batches of all ranks up in the same way.

    Source: `csrc/plan/batch_plan.cpp`.
    """

    def __init__(
        self,
        n: int,
        position: int = 0,
        rank: int = 0,
        world_size: int = 1,
        tail: Tail = "pad",
        batch_size: int = 32,
        drop_last: bool = False,
        max_batches: int | None = None,
    ) -> None:
        if not 0 <= position <= n:
            raise ValueError(f"position {position} is beyond the epoch of {n}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size}")
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}")
        self._n = n
        self._position = position
        self._rank, self._world_size = rank, world_size
        self._batch_size = batch_size
        left = n - position
        mine = {
            "pad": -(-left // world_size),
            "drop": left // world_size,
            "uneven": left // world_size + (rank < left % world_size),
            "mask": -(-left // (world_size * batch_size)) * batch_size,
        }[tail]
        self.n_batches = mine // batch_size if drop_last else -(-mine // batch_size)
        if max_batches is not None:
            self.n_batches = min(self.n_batches, max_batches)
        self.n_samples = min(mine, self.n_batches * batch_size)

    def batch_size(self, k: int) -> int:
        """Return the number of samples in batch `k`; 0 after the last."""
        return max(0, min(self._batch_size, self.n_samples - k * self._batch_size))

    def position_after(self, k: int) -> int:
        """Return the epoch's position after every rank has consumed `k` batches."""
        return min(self._n, self._position + k * self._batch_size * self._world_size)

    def positions(self, k: int) -> list[int]:
        """Return the positions of batch `k` within the epoch's order."""
        size = self.batch_size(k)
        first = self._position + self._rank + k * self._batch_size * self._world_size
        positions = [first + j * self._world_size for j in range(size)]
        return [p if p < self._n else (p - self._n) % self._n for p in positions]

    def indices(self, order: _Ordered, k: int) -> Indices:
        """Return the source indices of the samples of batch `k`."""
        return order.at(self.positions(k))
