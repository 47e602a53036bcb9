# SPDX-License-Identifier: MIT
"""Before images are made natively, a batch of two samples is made both ways, from the same random numbers.

So a version of torchvision that draws or rounds otherwise leads to a fallback to torch, not to other batches.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import default_collate

from .streams import Stream
from .tensors import NotNative

if TYPE_CHECKING:
    from .image_work import ImageWork

_TRIES = 3  # samples, if the first ones cannot be read
_SEED = 1


def compare(dataset: Any, work: ImageWork, contiguous: bool) -> None:
    """Compare a batch of `default_collate`. Raises NotNative if it differs, and if no sample can be read."""
    rows = work.images.rows
    samples = np.flatnonzero(rows >= 0)[:_TRIES] if rows is not None else np.arange(min(_TRIES, work.images.n_rows))
    reason = "no samples"
    for sample in samples.tolist():
        try:
            expected, after = _made_by(dataset, [sample, sample])
        except Exception as error:
            reason = f"sample {sample}: {type(error).__name__}: {error}"
            continue
        with unchanged_generators():
            torch.manual_seed(_SEED)
            stream = Stream()
            asked = work.images.rows_of([sample, sample])
            assert asked is not None
            try:
                found = work.result(work.start(asked, stream))
            except Exception as error:
                raise NotNative(f"sample {sample}: {type(error).__name__}: {error}") from None
            if not torch.equal(torch.get_rng_state(), after):
                raise NotNative(f"sample {sample}: torchvision draws other random numbers")
        _same(sample, expected, found, contiguous)
        return
    if len(samples):
        raise NotNative(reason)


@contextlib.contextmanager
def unchanged_generators() -> Iterator[None]:
    """Give torch's, Python's and NumPy's generators their states back afterwards."""
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])


def _made_by(dataset: Any, indices: list[int]) -> tuple[Any, torch.Tensor]:
    """Return the batch that torch makes, and its generator's state afterwards."""
    with unchanged_generators(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(_SEED)
        batch = default_collate([dataset[i] for i in indices])
        return batch, torch.get_rng_state()


def _same(sample: int, expected: Any, found: Any, contiguous: bool) -> None:
    if type(expected) is not type(found):
        raise NotNative(f"sample {sample}: a {type(expected).__name__}, not a {type(found).__name__}")
    if isinstance(expected, torch.Tensor):
        if expected.dtype != found.dtype or expected.shape != found.shape or not torch.equal(expected, found):
            what = "pixels with this version of torchvision or Pillow" if expected.dim() > 2 else "values"
            raise NotNative(f"sample {sample} has other {what}")
        if not contiguous and expected.is_contiguous() != found.is_contiguous():
            raise NotNative(f"sample {sample} has another layout in memory")
    elif isinstance(expected, (list, tuple, dict)):
        keys: Any = range(len(expected))
        if isinstance(expected, dict):
            keys = list(expected)
        if len(expected) != len(found) or (isinstance(found, dict) and list(found) != keys):
            raise NotNative(f"sample {sample} has another structure")
        for key in keys:
            _same(sample, expected[key], found[key], contiguous)
    elif expected != found:
        raise NotNative(f"sample {sample} has another target")
