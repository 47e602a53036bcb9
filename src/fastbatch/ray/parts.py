# SPDX-License-Identifier: MIT
"""Parts of a list of encoded samples, small enough to be sent to a worker."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from fastbatch.source.remote.samples import ObjectSamples
from fastbatch.source.samples import EncodedSamples, FileSamples, JoinedSamples, SampleSource


@dataclass(frozen=True)
class SamplePart:
    """Samples `first`, `first + 1`, ... of a data set. Immutable."""

    samples: SampleSource
    first: int

    def __len__(self) -> int:
        return len(self.samples)

    def halves(self) -> tuple[SamplePart, SamplePart]:
        """Return the part as two."""
        half = len(self) // 2
        return (
            SamplePart(part_of(self.samples, 0, half), self.first),
            SamplePart(part_of(self.samples, half, len(self) - half), self.first + half),
        )


def parts_of(samples: SampleSource, size: int) -> list[SamplePart]:
    """Return parts of `size` samples each; the last one may be smaller."""
    firsts = range(0, len(samples), size)
    return [SamplePart(part_of(samples, first, min(size, len(samples) - first)), first) for first in firsts]


def part_of(samples: SampleSource, first: int, n: int) -> SampleSource:
    """Return `n` samples from `first` on; paths become absolute, since workers have other folders."""
    if isinstance(samples, FileSamples):
        return FileSamples([os.path.abspath(path) for path in samples.paths[first : first + n]])
    if isinstance(samples, ObjectSamples):
        return ObjectSamples(samples.objects[first : first + n])
    if isinstance(samples, EncodedSamples):
        offsets = samples.offsets[first : first + n + 1]
        blob = samples.blob[int(offsets[0]) : int(offsets[-1])]
        names = None if samples.names is None else samples.names[first : first + n]
        return EncodedSamples(blob, offsets - offsets[0], names)
    return JoinedSamples([samples], np.arange(first, first + n, dtype=np.uint64))
