# SPDX-License-Identifier: MIT
"""Parts of a job, done as tasks of Ray or by threads of this process; each part gives one result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from fastbatch.checks import one_of, shown, text
from fastbatch.errors import FastbatchError
from fastbatch.source.pool import submit, thread_pool
from fastbatch.system import available_cpus

On = Literal["ray", "local"]
PLACES = ("ray", "local")
RETRIES = 3  # of a part whose worker or machine dies
_TASKS_PER_CPU = 2  # asked for ahead
_FEWEST_TASKS = 8


class PartLostError(FastbatchError, RuntimeError):
    """A part of a job whose worker died, and each time that it was tried again."""


def done_parts(
    work: Callable[[Any], Any],
    parts: Sequence[Any],
    *,
    on: On,
    address: str | None = None,
    lost: Callable[[Any, PartLostError], Any] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield the number and the result of each part once, in the order in which they end.

    Args:
        work: A function that can be pickled; its exceptions are raised here.
        parts: Arguments of `work`.
        on: "ray": as tasks of Ray, of one CPU each. "local": by as many threads as there are CPUs.
        address: Of the cluster, as for `ray.init`, if Ray is not initialized yet.
        lost: Returns the result of a part that is lost; None: PartLostError is raised.
    """
    if one_of("on", on, PLACES) == "local":
        if address is not None:
            raise ValueError(f"address: only valid with on='ray', found {shown(address)}")
        return _by_threads(work, parts)
    return _by_ray(work, parts, address, lost)


def _by_threads(work: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    from concurrent.futures import FIRST_COMPLETED, wait

    left = deque(enumerate(parts))
    asked: dict[Any, int] = {}
    n_threads = min(max(1, len(parts)), available_cpus())
    with thread_pool(n_threads, "fastbatch-job") as pool:
        try:
            while left or asked:
                while left and len(asked) < 2 * n_threads:
                    number, part = left.popleft()
                    asked[submit(pool, work, part)] = number
                for one in wait(asked, return_when=FIRST_COMPLETED).done:
                    yield asked.pop(one), one.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _by_ray(
    work: Callable[[Any], Any],
    parts: Sequence[Any],
    address: str | None,
    lost: Callable[[Any, PartLostError], Any] | None,
) -> Iterator[tuple[int, Any]]:
    with cluster(address) as ray:
        task = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_call)
        most = max(_FEWEST_TASKS, _TASKS_PER_CPU * int(ray.cluster_resources().get("CPU", 1)))
        left = deque(enumerate(parts))
        asked: dict[Any, int] = {}
        try:
            while left or asked:
                while left and len(asked) < most:
                    number, part = left.popleft()
                    asked[task.remote(work, part)] = number
                (ended, *_), _ = ray.wait(list(asked), num_returns=1)
                number = asked.pop(ended)
                yield number, _result(ray, ended, parts[number], lost)
        finally:
            for one in asked:
                ray.cancel(one, force=False)


def _call(work: Callable[[Any], Any], part: Any) -> Any:
    return work(part)


def _result(ray: Any, ended: Any, part: Any, lost: Callable[[Any, PartLostError], Any] | None) -> Any:
    try:
        return ray.get(ended)
    except ray.exceptions.RayTaskError as error:  # of the work itself
        raise error.cause or error from None
    except ray.exceptions.RayError as error:  # the worker, its machine or its result is gone
        gone = PartLostError(f"a worker of Ray died {RETRIES + 1} times: {type(error).__name__}: {error}")
        if lost is None:
            raise gone from error
        return lost(part, gone)


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """Yield Ray, initialized; if it was not before, it is not afterwards."""
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('Ray is missing: pip install "fastbatch[ray]" brings it', name=error.name) from None
    if ray.is_initialized():
        yield ray
        return
    ray.init(address=None if address is None else text("address", address), log_to_driver=False)
    try:
        yield ray
    finally:
        ray.shutdown()
