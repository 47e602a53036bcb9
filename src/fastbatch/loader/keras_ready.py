# SPDX-License-Identifier: MIT
"""Loaders as data of Keras 3's `fit`, `evaluate` and `predict`. fastbatch itself never imports Keras.

Keras checks `isinstance(data, PyDataset)`, for which Python also consults `data.__class__`. Once the user has imported
Keras, that property returns a subclass of both classes. `type(data)` does not change.

Keras then calls `data[i]` for each batch: in random order of i with `shuffle=True`, twice for the first batches (to
infer shapes), and without a notice of the next epoch. The order of its calls is defined in
keras/src/trainers/data_adapters/py_dataset_adapter.py and keras/src/trainers/epoch_iterator.py; the tests run both.
"""

from __future__ import annotations

import copy
import functools
import itertools
import sys
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

from . import fork as process
from .keras_batch import for_keras
from .other_methods import METHODS

_KERAS = "keras.src."
_ADAPTERS = "keras.src.trainers.data_adapters."
_PEEKED = 2  # batches that Keras reads before an epoch to infer shapes, and reads again in the epoch


class KerasClass:
    """An object that is an instance of a Keras dataset class once Keras is imported. Threads: any."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return keras_class(type(self), self._is_sized())

    def _is_sized(self) -> bool:
        """Return whether the data has a length. Called by every `isinstance`."""
        return _length(self) is not None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Give pickle the true type, since `__class__` is another one."""
        reduced: Any = super().__reduce_ex__(protocol)
        function, *rest = reduced
        return (_new if getattr(function, "__name__", "") == "__newobj__" else function, *rest)

    def on_epoch_begin(self) -> None:
        """Do nothing; Keras calls it."""

    def on_epoch_end(self) -> None:
        """Do nothing; Keras calls it."""


class KerasReady(KerasClass):
    """Data that is iterated once per epoch, and that Keras's `fit`, `evaluate` and `predict` accept directly.

    A pass of Keras is one epoch in the loader's order; the indices that Keras requests are ignored. A pass that Keras
    leaves after at most two batches only inferred their shapes: the next pass gives the same batches again. With
    `steps_per_epoch` an epoch continues where the last one stopped, as Keras documents.

    Keras treats data without a length as a generator: it rejects `class_weight`, and warns at the end of the first
    epoch that the data ran out; the length is known from then on. With `steps_per_epoch` the data starts again at its
    end, without a warning.

    Threads: any; TensorFlow reads from its own thread.
    """

    # Settings of Keras's worker threads, which would only compete with the loader's. Values set by users are ignored.
    use_multiprocessing = False
    max_queue_size = 10

    @property
    def workers(self) -> int:
        """Always 1. Keras reads it at the start of `fit`, `evaluate` and `predict`, which begins a session."""
        self._keras().begin_session()
        return 1

    @property
    def num_batches(self) -> int | None:
        """The length, or None. Keras reads it before each pass."""
        return self._keras().announce_pass(_length(self), _epoch_iterator())

    def __getitem__(self, index: int) -> Any:
        """Return the next batch of Keras's pass, for any index. Raises TypeError for callers other than Keras.

        Layers of Keras index outside of a pass, as `Normalization.adapt` does with `data[0]`: they get batch `index` of
        the next epoch, which remains the next one.
        """
        if keras_asks():
            return self._keras().next()
        if keras_asks(_KERAS):
            return next(itertools.islice(iter(copy.copy(self)), index, None))
        name = type(self).__name__
        raise TypeError(
            f"a {name} is iterated, not indexed; torch's DataLoader takes fastbatch.torch.as_iterable(loader)"
        )

    def __getattr__(self, name: str) -> Any:
        if name in _ADAPTER_METHODS and self._keras().is_adapter:
            return getattr(self._keras().adapter(), name)
        advice = f"; {METHODS[name]}" if name in METHODS else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{advice}")

    def _next_length(self) -> int | None:
        """Return the number of batches of the next pass; after `load_state_dict` it is below the length."""
        return _length(self)

    def _for_keras(self, batch: Any) -> Any:
        """Return a batch in the form that Keras takes."""
        return for_keras(batch)

    def _begin_epoch(self) -> Iterator[Any]:
        """Begin an epoch for Keras. Keras calls `on_epoch_end` itself."""
        return iter(self)

    def _keras(self) -> KerasPasses:
        passes: KerasPasses | None = self.__dict__.get("_keras_passes")
        if passes is None or passes.data is not self:  # or it was copied with the attributes
            passes = self.__dict__["_keras_passes"] = KerasPasses(self)
        return passes


class KerasIterator(KerasClass):
    """An iterator of batches that Keras's `fit` accepts as it accepts a generator: `fit(loader.repeat(), ...)`.

    Unlike Keras's own treatment of a generator, no batch comes twice: those that it reads in advance are given once.
    """

    num_batches = None

    def _is_sized(self) -> bool:
        return False

    def _for_keras(self, batch: Any) -> Any:
        """Return a batch in the form that Keras takes."""
        return for_keras(batch)

    def __getattr__(self, name: str) -> Any:
        generators = sys.modules.get(_ADAPTERS + "generator_data_adapter")
        if name in _ADAPTER_METHODS and generators is not None:
            if "_adapter" not in self.__dict__:
                self.__dict__["_adapter"] = self._make_adapter(generators)
            return getattr(self.__dict__["_adapter"], name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _make_adapter(self, generators: Any) -> Any:
        batches: Any = map(self._for_keras, self)
        first = list(itertools.islice(batches, _PEEKED))
        adapter = generators.GeneratorDataAdapter(iter(first))

        def left() -> Iterator[Any]:
            yield from list(first)  # again, as long as no others were asked for: Keras builds a model from one
            for batch in batches:
                first.clear()
                yield batch

        adapter.generator = left
        return adapter


def passes_of(data: KerasReady) -> KerasPasses:
    """Return the epochs of a loader as Keras asks for them: the hook of `fastbatch.keras`."""
    return data._keras()


_ADAPTER_METHODS = frozenset(
    ["get_numpy_iterator", "get_tf_dataset", "get_jax_iterator", "get_torch_dataloader", "batch_size"]
    + ["has_partial_batch", "partial_batch_size"]
)


class KerasPasses:
    """The epochs of the data, in the passes that Keras makes.

    Threads: any; TensorFlow reads from its own thread.
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self._lock = process.new_lock()
        self._batches: Iterator[Any] | None = None  # iterator of the current epoch
        self._first: list[Any] = []  # the first batches of the epoch, while no others were returned
        self._given = 0  # batches returned in this epoch
        self._again = 0  # batches of `_first` returned in this pass
        self._pass_begins = False
        self._epochs: weakref.ref[Any] | None = None  # Keras's EpochIterator
        self.is_adapter = False  # Keras accepted data without a length
        self._adapter: Any = None
        self._endless = False  # steps_per_epoch is set: the data starts again at its end
        self._length: int | None = None  # of the current epoch
        self._out = 0  # batches returned in this session, each counted once
        self._states: dict[int, Any] | None = None  # states by `_out`; None: not kept

    def begin_session(self) -> None:
        """Drop the unread batches of an earlier `fit`."""
        with self._lock:
            self._batches, self._adapter = None, None
            self.is_adapter = False
            self._out = 0

    def __reduce__(self) -> Any:
        """Pickle as None: a copy of the data is not being read by Keras."""
        return (type(None), ())

    def announce_pass(self, length: int | None, epochs: Any) -> int | None:
        """Begin a new pass with the next batch, and return its number of batches.

        Args:
            epochs: Keras's EpochIterator if it is the caller, otherwise None. It needs the length of a whole epoch, and
                is the only object that holds `steps_per_epoch`. Keras's adapters need the length of the next pass.
        """
        self._pass_begins = True
        if epochs is None:
            return self._length if self._was_peek() else self.data._next_length()
        if self._epochs is None or self._epochs() is not epochs:
            self._epochs = weakref.ref(epochs)
            self._endless = epochs.steps_per_epoch is not None
            self.is_adapter, self._adapter = length is None, None
        return length

    def keep_states(self) -> None:
        """Keep the data's state after each batch, for `state_after`."""
        self._states = {}

    def has_given(self) -> bool:
        """Return whether Keras took a batch in this session."""
        return self._out > 0

    def state_after(self, n: int) -> Any:
        """Return the data's state after the first `n` batches of this session; forget earlier ones."""
        assert self._states is not None
        with self._lock:
            self._states = {out: state for out, state in self._states.items() if out >= n}
            return self._states[n]

    def _count(self) -> None:
        self._given += 1
        self._out += 1
        if self._states is not None:
            self._states[self._out] = self.data.state_dict()

    def _was_peek(self) -> bool:
        return self._batches is not None and self._given == len(self._first) and self._given != self._length

    def _begin_epoch(self) -> None:
        self._length = self.data._next_length()
        self._batches = self.data._begin_epoch()
        self._first, self._given = [], 0

    def next(self) -> Any:
        """Return the next batch."""
        with self._lock:
            if self._pass_begins or self._batches is None:
                self._begin_pass()
            if self._again < len(self._first):
                self._again += 1
                return self._first[self._again - 1]
            assert self._batches is not None
            try:
                batch = next(self._batches)
            except StopIteration:  # fewer batches than announced, because samples were skipped
                self._begin_epoch()
                batch = next(self._batches)
            batch = self.data._for_keras(batch)
            self._count()
            if self._given <= _PEEKED:
                self._first.append(batch)
                self._again += 1
            else:
                self._first.clear()
                self._again = 0
            return batch

    def _begin_pass(self) -> None:
        self._pass_begins = False
        self._again = 0
        if not self._was_peek():
            self._begin_epoch()

    def adapter(self) -> Any:
        """Return Keras's adapter of generators, modified to begin a new epoch at the end of the data."""
        if self._adapter is None:
            self._begin_epoch()
            assert self._batches is not None
            for batch in itertools.islice(self._batches, _PEEKED):
                self._count()
                self._first.append(self.data._for_keras(batch))
            generators = sys.modules[_ADAPTERS + "generator_data_adapter"]
            self._adapter = generators.GeneratorDataAdapter(iter(self._first))
            self._adapter.generator = self._pass
        return self._adapter

    def _pass(self) -> Iterator[Any]:
        if self._given > len(self._first):
            self._begin_epoch()
        yield from list(self._first)
        while True:
            n = self._given
            assert self._batches is not None
            for batch in self._batches:
                self._count()
                yield self.data._for_keras(batch)
            if not self._endless or (self._given == n and not self._first):
                break
            self._begin_epoch()
        self._given = len(self._first) + 1  # marks the epoch as finished, even if it had no batches


def calling_frame(depth: int) -> FrameType:
    """Return the frame `depth` calls above the caller.

    Python has no other way to identify a caller. `data[i]` gives a prefetched batch to Keras only: users of a
    `DataGenerator` call it too, also during `fit`. And only Keras's own loop holds `steps_per_epoch`.
    """
    return sys._getframe(depth + 1)


def keras_asks(where: str = _ADAPTERS) -> bool:
    """Return whether the calling method was called by one of Keras's adapters, or by a module of Keras in `where`."""
    name = calling_frame(2).f_globals.get("__name__", "")
    return isinstance(name, str) and name.startswith(where)


def _epoch_iterator() -> Any:
    """Return Keras's EpochIterator if it reads `num_batches`, directly or through its adapter, else None."""
    for depth in (2, 3):
        reader = calling_frame(depth).f_locals.get("self")
        if hasattr(reader, "steps_per_epoch"):
            return reader
    return None


def _new(cls: type, *arguments: Any) -> Any:
    return cls.__new__(cls, *arguments)


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None


@functools.lru_cache(maxsize=256)
def both(ours: Any, theirs: Any) -> Any:
    """Return a subclass of `ours` and of a Keras class, with the name of `ours`."""
    return type(ours.__name__, (ours, theirs), {"__module__": ours.__module__, "__doc__": ours.__doc__})


def keras_class(ours: type, is_sized: bool) -> Any:
    """Return a subclass of `ours` and of a Keras dataset class, or `ours` if Keras is not imported."""
    module, name = ("py_dataset_adapter", "PyDataset") if is_sized else ("data_adapter", "DataAdapter")
    theirs = getattr(sys.modules.get(_ADAPTERS + module), name, None)
    return ours if theirs is None else both(ours, theirs)
