# SPDX-License-Identifier: MIT
"""The iterator of `Loader.progress`: a bar, metrics, and a watchdog that says what a long wait is for."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastbatch.checks import shown
from fastbatch.errors import SIGNALS, name_of, signal_error

from .slow import what_is_slow

if TYPE_CHECKING:
    from .loader import Loader

_LOG = logging.getLogger("fastbatch")
_REFRESH_S = 0.5  # interval of the figures beside the bar


@dataclass(frozen=True)
class WatchOptions:
    """The options of `Loader.progress`, checked."""

    description: str | None
    bar: bool
    warn_after: float | None
    metrics: Callable[[dict[str, float]], object] | None
    every: float


def watch_options(description: Any, bar: Any, warn_after: Any, metrics: Any, every: Any) -> WatchOptions:
    """Check the options."""
    if description is not None and not isinstance(description, str):
        raise TypeError(f"description: expected a text or None, found {shown(description)}")
    if metrics is not None and not callable(metrics):
        raise TypeError(f"metrics: expected a function of one dict, or None, found {shown(metrics)}")
    seconds = None if warn_after is None else _seconds("warn_after", warn_after)
    return WatchOptions(description, bool(bar), seconds, metrics, _seconds("every", every))


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected seconds as a number, found {shown(value)}")
    if not 0 < value <= threading.TIMEOUT_MAX:
        raise ValueError(f"{name}: expected a positive number of seconds, found {shown(value)}")
    return float(value)


class Watched:
    """An iterator over one epoch that shows its progress.

    Threads: one at a time, as for a generator.
    """

    def __init__(self, loader: Loader, options: WatchOptions) -> None:
        self._dog: Watchdog | None = None
        self._bar: Any = None
        tqdm = _tqdm() if options.bar else None
        self._loader, self._options = loader, options
        self._total = loader._next_length()
        self._batches: Iterator[Any] = iter(loader)
        self._epoch = loader.epoch
        self._n = 0
        self._in_next_s = 0.0  # since the start
        self._start = self._figures_at = time.perf_counter()
        self._metrics_at = self._start
        self._before = (0, 0.0)  # samples, seconds in next(), when the figures were last taken
        self._first_samples = int(loader.stats()["samples"])
        if tqdm is not None:
            self._bar = tqdm(total=self._total, desc=options.description, unit="batch", dynamic_ncols=True)
        if options.warn_after is not None:
            self._dog = Watchdog(self._batches, loader, options.warn_after, self._bar)

    def __iter__(self) -> Watched:
        return self

    def __length_hint__(self) -> int:
        return NotImplemented if self._total is None else max(self._total - self._n, 0)

    def __next__(self) -> Any:
        dog, begin = self._dog, time.perf_counter()
        if dog is not None:
            dog.begin(self._n)
        try:
            batch = next(self._batches)
        except KeyboardInterrupt:
            raise
        except BaseException:
            self.close()
            raise
        finally:
            if dog is not None:
                dog.end()
        end = time.perf_counter()
        self._in_next_s += end - begin
        self._n += 1
        self._tell(end)
        return batch

    def _tell(self, now: float) -> None:
        if self._bar is not None:
            if now - self._figures_at >= _REFRESH_S:
                self._bar.set_postfix_str(self._figures(now), refresh=False)
            self._bar.update(1)
        if now - self._metrics_at >= self._options.every:
            self._metrics_at = now
            self._call_metrics(now)

    def _call_metrics(self, now: float) -> None:
        metrics = self._options.metrics
        if metrics is None:
            return
        try:
            metrics(self._all_metrics(now))
        except SIGNALS as error:
            raise signal_error(error, name_of(metrics)) from error

    def _figures(self, now: float) -> str:
        """Return samples per second and the share of waiting since the figures were last taken."""
        samples, elapsed = self._samples(), now - self._figures_at
        (n, waited), self._before, self._figures_at = self._before, (samples, self._in_next_s), now
        share = min((self._in_next_s - waited) / elapsed, 1.0)
        rate = f"{(samples - n) / elapsed:,.0f} samples/s, " if samples else ""
        return f"{rate}{share:.0%} waiting"

    def _all_metrics(self, now: float) -> dict[str, float]:
        samples, elapsed = self._samples(), max(now - self._start, 1e-9)
        found = {
            "epoch": float(self._epoch),
            "batches": float(self._n),
            "samples": float(samples),
            "samples_per_s": samples / elapsed,
            "waiting": min(self._in_next_s / elapsed, 1.0),
            "elapsed_s": elapsed,
        }
        return found if self._total is None else {**found, "batches_left": float(max(self._total - self._n, 0))}

    def _samples(self) -> int:
        return int(self._loader.stats()["samples"]) - self._first_samples

    def close(self) -> None:
        """End the bar and the watchdog, and call `metrics` a last time; the loader's iterator stays as it is."""
        self._stop()
        now = time.perf_counter()
        if self._n and now > self._metrics_at:
            self._metrics_at = float("inf")
            self._call_metrics(now)

    def _stop(self) -> None:
        dog, self._dog = self._dog, None
        if dog is not None:
            dog.stop()
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.set_postfix_str(self._figures(time.perf_counter() + 1e-9), refresh=False)
            bar.close()

    def __del__(self) -> None:
        if getattr(self, "_dog", None) is not None:
            self._dog.stop()  # type: ignore[union-attr]


class Watchdog:
    """Logs a warning, once, when the caller has waited for a batch longer than some seconds.

    Threads: the caller's, and one that sleeps nearly all of the time. It refers to this object only while it looks, so
    that a loop that was left with `break` is freed, and with it the thread ends.
    """

    def __init__(self, batches: Iterator[Any], loader: Loader, seconds: float, bar: Any) -> None:
        self._batches, self._loader, self._seconds, self._bar = batches, loader, seconds, bar
        self._since: float | None = None  # when the caller began to wait
        self._number = 0  # of the batch it waits for
        self._told = False
        self._caller = 0
        self._stopped = threading.Event()
        arguments = (weakref.ref(self), self._stopped, seconds)
        threading.Thread(target=_look, args=arguments, name="fastbatch watchdog", daemon=True).start()

    def begin(self, number: int) -> None:
        """The caller begins to wait for a batch."""
        self._number, self._told, self._caller = number, False, threading.get_ident()
        self._since = time.monotonic()

    def end(self) -> None:
        """The caller has its batch."""
        self._since = None

    def stop(self) -> None:
        """End the thread, soon."""
        self._stopped.set()

    def look(self) -> float:
        """Log a warning if the caller has waited too long; return the seconds until the next look."""
        since = self._since
        if since is None or self._told:
            return self._seconds
        waited = time.monotonic() - since
        if waited < self._seconds:
            return self._seconds - waited
        self._told = True
        reason = what_is_slow(self._loader, self._batches, self._caller)
        if self._since != since:  # it came meanwhile
            return self._seconds
        with self._bar.external_write_mode() if self._bar is not None else nullcontext():
            _LOG.warning("waiting for batch %d for %.0f s: %s", self._number, waited, reason)
        return self._seconds

    def __del__(self) -> None:
        self._stopped.set()


def _look(dog: weakref.ref[Watchdog], stopped: threading.Event, seconds: float) -> None:
    while not stopped.wait(seconds):
        there = dog()
        if there is None:
            return
        seconds = there.look()
        del there


def _tqdm() -> Any:
    """Return tqdm for a terminal or a notebook."""
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'progress() needs tqdm: pip install "fastbatch[progress]"; progress(bar=False) needs nothing', name="tqdm"
        ) from None
