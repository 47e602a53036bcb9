# SPDX-License-Identifier: MIT
"""How Keras 3's `fit`, `evaluate` and `predict` take our data as it is, although fastbatch never imports Keras.

Keras asks `isinstance(data, PyDataset)`, and Python asks the object for its `__class__` before it says no. Once the
user has imported Keras, ours answers with a class that is both. `type(data)` stays what it was.

Keras then calls `data[i]` for each batch: i in a random order under `shuffle=True`, some batches twice (the first ones,
to learn their shapes), and next epochs without a word. What it asks in which order is written in
keras/src/trainers/data_adapters/py_dataset_adapter.py and keras/src/trainers/epoch_iterator.py; the tests run it.
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

_KERAS = "keras.src."
_ADAPTERS = "keras.src.trainers.data_adapters."
_PEEKED = 2  # batches that Keras reads before an epoch, and reads again in it


class KerasClass:
    """An object that Keras takes for one of its data sets, once there is a Keras. Threads: any."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return keras_class(type(self), self._is_sized())

    def _is_sized(self) -> bool:
        """Return whether there is a length; Python may ask at any `isinstance`."""
        return _length(self) is not None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Tell pickle the type, since it finds another `__class__`."""
        reduced: Any = super().__reduce_ex__(protocol)
        function, *rest = reduced
        return (_new if getattr(function, "__name__", "") == "__newobj__" else function, *rest)

    def on_epoch_begin(self) -> None:
        """Do nothing; Keras calls it."""

    def on_epoch_end(self) -> None:
        """Do nothing; Keras calls it."""


class KerasReady(KerasClass):
    """Data that is iterated once an epoch, and that Keras's `fit`, `evaluate` and `predict` take as it is.

    A pass that Keras begins is one epoch, in our order, whatever order it asks for. A pass that was left after no more
    than two batches was a look at their shapes: the next one gives the same batches again. `steps_per_epoch` goes on
    where the last epoch stopped, as Keras says it does.

    Data without a length is taken as Keras takes generators: `class_weight` is refused, and in the first `fit` the end
    of an epoch is met with Keras's warning about data that ran out; the length is known from then on. With
    `steps_per_epoch` it begins again wherever it ends, without a warning.

    Threads: any; TensorFlow asks from a thread of its own.
    """

    # Keras's own threads would only stand in the way of ours: what users set here is not looked at.
    use_multiprocessing = False
    max_queue_size = 10

    @property
    def workers(self) -> int:
        """Always 1; Keras reads it when `fit`, `evaluate` or `predict` begins."""
        self._keras().begin_session()
        return 1

    @property
    def num_batches(self) -> int | None:
        """The length, or None; Keras reads it before each pass."""
        return self._keras().announce_pass(_length(self), _epoch_iterator())

    def __getitem__(self, index: int) -> Any:
        """Return the next batch of the pass that Keras began, whatever the index; for all others, TypeError.

        Layers of Keras ask outside of a pass, as `Normalization.adapt` does for `data[0]`: they get batch `index` of
        the next epoch, which stays the next one.
        """
        if keras_asks():
            return self._keras().next()
        if keras_asks(_KERAS):
            return next(itertools.islice(iter(copy.copy(self)), index, None))
        raise TypeError(f"a {type(self).__name__} is iterated, not indexed")

    def __getattr__(self, name: str) -> Any:
        if name in _ADAPTER_METHODS and self._keras().is_adapter:
            return getattr(self._keras().adapter(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _next_length(self) -> int | None:
        """Return the batches of the next iteration: fewer than the length after `load_state_dict`."""
        return _length(self)

    def _begin_epoch(self) -> Iterator[Any]:
        """Begin an epoch for Keras, which calls `on_epoch_end` itself."""
        return iter(self)

    def _keras(self) -> KerasPasses:
        passes: KerasPasses | None = self.__dict__.get("_keras_passes")
        if passes is None or passes.data is not self:  # or it came with a copy
            passes = self.__dict__["_keras_passes"] = KerasPasses(self)
        return passes


_ADAPTER_METHODS = frozenset(
    ["get_numpy_iterator", "get_tf_dataset", "get_jax_iterator", "get_torch_dataloader", "batch_size"]
    + ["has_partial_batch", "partial_batch_size"]
)


class KerasPasses:
    """One epoch of the data after another, as Keras asks for them.

    Threads: any; TensorFlow asks from a thread of its own.
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self._lock = process.new_lock()
        self._batches: Iterator[Any] | None = None  # the epoch under way
        self._first: list[Any] = []  # its first batches, while they are all that was given out
        self._given = 0  # of this epoch
        self._again = 0  # of `_first`, in this pass
        self._pass_begins = False
        self._epochs: weakref.ref[Any] | None = None  # Keras's object that runs them
        self.is_adapter = False  # Keras took data without a length
        self._adapter: Any = None
        self._endless = False  # steps_per_epoch ends the epochs, the data never does
        self._length: int | None = None  # of the epoch under way
        self._out = 0  # batches given out since the session began, each counted once
        self._states: dict[int, Any] | None = None  # by the number of them; None: not kept

    def begin_session(self) -> None:
        """Leave what an earlier `fit` did not use up."""
        with self._lock:
            self._batches, self._adapter = None, None
            self.is_adapter = False
            self._out = 0

    def __reduce__(self) -> Any:
        """Become None: a copy of the data, here or in another process, is not under Keras's hands."""
        return (type(None), ())

    def announce_pass(self, length: int | None, epochs: Any) -> int | None:
        """Let the next batch be the first of a pass, and return how many it has.

        Args:
            epochs: Keras's object that runs the epochs, if it asks: it wants the length of a whole epoch, and knows
                `steps_per_epoch`, which it tells nobody. Its adapters want the length of the next pass.
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
        """Remember the data's state after each batch, for `state_after`."""
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
            except StopIteration:  # shorter than it said, because samples were skipped: Keras cannot be told
                self._begin_epoch()
                batch = next(self._batches)
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
        """Return Keras's adapter of generators, but with a new epoch where it would end."""
        if self._adapter is None:
            self._begin_epoch()
            assert self._batches is not None
            for batch in itertools.islice(self._batches, _PEEKED):
                self._count()
                self._first.append(_as_tuple(batch))
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
                yield _as_tuple(batch)
            if not self._endless or (self._given == n and not self._first):
                break
            self._begin_epoch()
        self._given = len(self._first) + 1  # even if nothing came: this epoch is over


def calling_frame(depth: int) -> FrameType:
    """Return the frame of the method that is `depth` calls above the one that calls this.

    Python has no other way to know who asks, and Keras tells nothing. That it is Keras decides what `data[i]` gives,
    which users of a `DataGenerator` call too, during `fit` as well; and `steps_per_epoch`, with which epochs go on
    where the last one stopped, is known to Keras's own loop alone.
    """
    return sys._getframe(depth + 1)


def keras_asks(where: str = _ADAPTERS) -> bool:
    """Return whether the method that calls this was called by one of Keras's adapters, or by another part of it."""
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


def _as_tuple(batch: Any) -> Any:
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None


@functools.lru_cache(maxsize=256)
def both(ours: Any, theirs: Any) -> Any:
    """Return a class that is `ours` and one of Keras's, by the name of ours."""
    return type(ours.__name__, (ours, theirs), {"__module__": ours.__module__, "__doc__": ours.__doc__})


def keras_class(ours: type, is_sized: bool) -> Any:
    """Return a class that is `ours` and one of Keras's data sets, or `ours` while there is no Keras."""
    module, name = ("py_dataset_adapter", "PyDataset") if is_sized else ("data_adapter", "DataAdapter")
    theirs = getattr(sys.modules.get(_ADAPTERS + module), name, None)
    return ours if theirs is None else both(ours, theirs)
