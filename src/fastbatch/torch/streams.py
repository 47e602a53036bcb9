# SPDX-License-Identifier: MIT
"""Where random transforms get their numbers: torch's generators, those that its workers would have, or Philox streams.

A draw of torch's is made by torch itself, on a tensor of one element, as torchvision makes it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data._utils import worker as torch_worker

_SIGNED = -(2**63)
_OPERATION = 13  # of Philox streams; the core's own operations have other numbers


class Stream:
    """Draws from a generator of torch's; None: from the default one. Threads: one at a time."""

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self._generator = generator
        self._of = torch.default_generator if generator is None else generator

    def uniform(self, low: float, high: float) -> float:
        return torch.empty(1).uniform_(low, high, generator=self._generator).item()

    def exp_uniform(self, low: float, high: float) -> float:
        """Return e to the power of a uniform number, in float32."""
        return torch.exp(torch.empty(1).uniform_(low, high, generator=self._generator)).item()

    def below(self, n: int) -> int:
        return int(torch.randint(0, n, size=(1,), generator=self._generator).item())

    def chance(self, p: float) -> bool:
        return bool(torch.rand(1, generator=self._generator) < p)

    def permutation(self, n: int) -> list[int]:
        return list(torch.randperm(n, generator=self._generator).tolist())

    def words(self, n: int) -> NDArray[np.uint32]:
        """Return the next n raw numbers of the generator: what `below` and `chance` are made of."""
        if n % 2:  # a pair is drawn at once
            before = self._of.get_state()
            drawn = self._pairs(n // 2 + 1)[:n]
            self._of.set_state(before)
            torch.empty(n).uniform_(generator=self._generator)
            return drawn
        return self._pairs(n // 2)

    def _pairs(self, n: int) -> NDArray[np.uint32]:
        pairs = torch.empty(n, dtype=torch.int64).random_(_SIGNED, None, generator=self._generator).numpy()
        drawn = np.empty((n, 2), np.uint32)
        unsigned = pairs.view(np.uint64)
        drawn[:, 0] = unsigned >> np.uint64(32)
        drawn[:, 1] = unsigned & np.uint64(0xFFFFFFFF)
        return drawn.reshape(-1)

    def sample(self, index: int) -> None:
        """Be told which sample draws next."""

    def state(self) -> torch.Tensor:
        return self._of.get_state()

    def restore(self, state: torch.Tensor) -> None:
        self._of.set_state(state)

    def python_states(self) -> Any:
        """Return the states of Python's and NumPy's generators."""
        return random.getstate(), np.random.get_state()

    def restore_python(self, states: Any) -> None:
        random.setstate(states[0])
        np.random.set_state(states[1])

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Let Python code draw from this stream: of the default generator, nothing is to be done."""
        yield


class Columns(Stream):
    """Draws for many images at once: each draw is an array, with a number per image.

    `words` holds the raw numbers: a row per image, in the order in which torch's generator would give them. None: they
    are only counted.
    """

    def __init__(self, words: NDArray[np.uint32] | None = None) -> None:
        super().__init__()
        self._words = words
        self.drawn = 0  # numbers per image

    def _next(self) -> NDArray[np.uint32]:
        self.drawn += 1
        return np.zeros(1, np.uint32) if self._words is None else self._words[:, self.drawn - 1]

    def below(self, n: int) -> Any:
        return (self._next() % np.uint32(n)).astype(np.int64)

    def chance(self, p: float) -> Any:
        numbers = (self._next() & np.uint32(0xFFFFFF)).astype(np.float32) * np.float32(2**-24)
        return numbers < np.float32(p)


class WorkerStream(Stream):
    """The generators that a worker process of torch's would have: torch's, Python's and NumPy's."""

    def __init__(self, base_seed: int, worker: int) -> None:
        super().__init__(torch.Generator().manual_seed(base_seed + worker))
        self._python: Any = random.Random(base_seed + worker).getstate()
        seed = torch_worker._generate_state(base_seed, worker)
        self._numpy: Any = np.random.RandomState(np.array(seed, np.uint32)).get_state()

    def python_states(self) -> Any:
        return self._python, self._numpy

    def restore_python(self, states: Any) -> None:
        self._python, self._numpy = states

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Exchange the generators of this process for the worker's."""
        ours = torch.get_rng_state(), random.getstate(), np.random.get_state()
        torch.set_rng_state(self._of.get_state())
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        try:
            yield
        finally:
            self._of.set_state(torch.get_rng_state())
            self._python, self._numpy = random.getstate(), np.random.get_state()
            torch.set_rng_state(ours[0])
            random.setstate(ours[1])
            np.random.set_state(ours[2])


class PhiloxStream(Stream):
    """A stream per sample, of (seed, index): independent of workers, of the batch, and of torch's generators."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed & (2**64 - 1)
        self._numbers = np.random.Generator(np.random.Philox(0))

    def sample(self, index: int) -> None:
        """Go to the beginning of a sample's stream."""
        bits = np.random.Philox(key=np.array([self._seed, 0], np.uint64), counter=[0, index, 0, _OPERATION])
        self._numbers = np.random.Generator(bits)

    def uniform(self, low: float, high: float) -> float:
        return float(low + (high - low) * self._numbers.random())

    def exp_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self.uniform(low, high)))

    def below(self, n: int) -> int:
        return int(self._numbers.integers(n))

    def chance(self, p: float) -> bool:
        return bool(self._numbers.random() < p)

    def permutation(self, n: int) -> list[int]:
        return list(self._numbers.permutation(n).tolist())


def run_init(init: Callable[[int], None] | None, stream: WorkerStream, worker: int, info: dict[str, Any]) -> None:
    """Call a loader's `worker_init_fn` as if in the worker: with its generators, and its `get_worker_info()`."""
    if init is None:
        return
    before = torch_worker._worker_info
    torch_worker._worker_info = torch_worker.WorkerInfo(id=worker, **info)
    try:
        with stream.installed():
            init(worker)
    finally:
        torch_worker._worker_info = before


def python_state() -> tuple[Any, ...]:
    """Return the states of the generators that Python code may draw from, for a comparison."""
    name, keys, *rest = np.random.get_state()
    assert isinstance(keys, np.ndarray)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), name, keys.tobytes(), tuple(rest)
