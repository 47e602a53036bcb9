# SPDX-License-Identifier: MIT
"""Patterns that people write their loaders in: a base class to subclass, a loader of a folder that resets itself."""

from __future__ import annotations

import functools
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, SupportsIndex, TypeVar

from fastbatch.checks import whole
from fastbatch.errors import ClosedError, StateError, reading_state
from fastbatch.loader.keras_ready import KerasReady, keras_asks
from fastbatch.plan.plan import MAX_SEED, Plan

from .index_pass import IndexPass

STATE_VERSION = 1

Self = TypeVar("Self", bound="DataGenerator")


class DataGenerator(KerasReady):
    """Base class for data of the user's own: write `__len__` and `__getitem__`, the rest comes with it.

        class Frames(fb.DataGenerator):
            def __len__(self):
                return 100

            def __getitem__(self, index):
                return read(index), label(index)

        for x, y in Frames(shuffle=True, seed=1, threads=2):
            ...

    `__getitem__(index)` returns batch `index`, `0 <= index < len(self)`. A `for` is one epoch: each index once. Keras
    3's `fit` takes it as it is. `on_epoch_end` may be overridden; it is called after each whole epoch.

    Args:
        shuffle: Another order of the batches in each epoch, by `seed`.
        threads: Threads that call `__getitem__` ahead; it must then allow that. 0: the caller's own.
        prefetch: Batches made ahead.

    A subclass that forgets `super().__init__()` gets the defaults. Errors of `__getitem__` keep their type and
    traceback; from Python 3.11 on a note names the batch.
    """

    _backend: ClassVar[Any]

    shuffle: bool = False
    seed: int = 0
    threads: int = 1
    prefetch: int = 2
    _next_epoch = 0
    _resume_at = 0
    _pass: IndexPass | None = None
    _closed = False

    def __init__(
        self,
        *,
        shuffle: bool = False,
        seed: SupportsIndex = 0,
        threads: SupportsIndex = 1,
        prefetch: SupportsIndex = 2,
    ) -> None:
        self.shuffle = bool(shuffle)
        self.seed = whole("seed", seed, 0, MAX_SEED)
        self.threads = whole("threads", threads, 0, 1024)
        self.prefetch = whole("prefetch", prefetch, 1, 65536)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        raise TypeError(f"{type(self).__name__}: write __len__, which returns the number of batches of an epoch")

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """Return batch `index`."""
        raise TypeError(f"{type(self).__name__}: write __getitem__(self, index), which returns batch `index`")

    def __init_subclass__(cls, **options: Any) -> None:
        """Let Keras, when it asks for a batch, have the one that was made ahead."""
        super().__init_subclass__(**options)
        if "__getitem__" in cls.__dict__:
            own = cls.__dict__["__getitem__"]

            @functools.wraps(own)
            def made_ahead(self: Any, index: int) -> Any:
                return self._keras().next() if keras_asks() else own(self, index)

            cls.__getitem__ = made_ahead  # type: ignore[method-assign]

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; after `load_state_dict`, once, the rest of the one that was saved."""
        return self._begin_epoch(self.on_epoch_end)

    def _next_length(self) -> int:
        return len(self) - self._resume_at

    def _begin_epoch(self, at_end: Callable[[], None] = lambda: None) -> Iterator[Any]:
        if self._closed:
            raise ClosedError("the loader is closed")
        indices = self._order(self._next_epoch)
        self._pass = IndexPass(self, self._next_epoch, indices, self._resume_at, at_end)
        self.__dict__.setdefault("_passes", weakref.WeakSet()).add(self._pass)
        self._next_epoch += 1
        self._resume_at = 0
        return self._pass

    def _order(self, epoch: int) -> list[int]:
        n = len(self)
        if not self.shuffle or n == 0:
            return list(range(n))
        plan = Plan(n, batch_size=n, shuffle=True, seed=self.seed)
        indices: list[int] = self._backend.indices(plan, epoch, 0, 0).tolist()
        return indices

    @property
    def epoch(self) -> int:
        """The epoch that the latest iterator is in, or the next one to begin if it came to its end."""
        return self._next_epoch if self._pass is None or self._pass.ended else self._pass.epoch

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next `for` be epoch `epoch`, from its start."""
        self._next_epoch, self._resume_at, self._pass = whole("epoch", epoch, 0, MAX_SEED), 0, None

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator stands: a few numbers, JSON."""
        epoch, position = self._next_epoch, self._resume_at
        if self._pass is not None and not self._pass.ended:
            epoch, position = self._pass.epoch, self._pass.position
        own = {"seed": self.seed, "shuffle": self.shuffle, "length": len(self)}
        return {"version": STATE_VERSION, "kind": "DataGenerator", "epoch": epoch, "position": position, **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on with the batch after the last one that was handed out when `state` was taken.

        Raises:
            StateError: It is no such state, or one of data of another length or order.
        """
        with reading_state("the state of a DataGenerator"):
            if (state["version"], state["kind"]) != (STATE_VERSION, "DataGenerator"):
                raise StateError("not the state of a DataGenerator of this version")
            epoch = whole("epoch", state["epoch"], 0, MAX_SEED)
            position = whole("position", state["position"], 0, len(self))
            found = (state["length"], state["shuffle"], state["seed"])
        own = (len(self), self.shuffle, self.seed)
        if found != own:
            raise StateError("state of other data: length, shuffle, seed", expected=own, found=found)
        self._next_epoch, self._resume_at, self._pass = epoch, position, None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles stand where this one does, and go their own way."""
        state = self.state_dict()
        own = {"_next_epoch": state["epoch"], "_resume_at": state["position"], "_pass": None}
        return {**{key: value for key, value in self.__dict__.items() if key != "_passes"}, **own}

    def close(self) -> None:
        """End all passes, and their threads. Iterators raise ClosedError from now on."""
        self._closed = True
        for one in list(self.__dict__.get("_passes", ())):
            one.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
