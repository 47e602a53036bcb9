# SPDX-License-Identifier: MIT
"""How much of a slow link to a store is used, and what does a second epoch read with a cache of half the data?"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.slow_store import SlowStore
from fastbatch.bench.subject import MIB, package

ROUNDS = 3
ROW_BYTES = 16 * 1024
LATENCY_S = 0.05
LINK = 100e6  # bytes per second
ERRORS = 0.01

TARGETS = (
    Target(of="share of the link, in order", at_least=0.9),
    Target(of="share of the link, shuffled", at_least=0.8),
    Target(of="the second epoch reads, with a cache of half the data", at_most=0.55),
    Target(of="the second epoch reads, by two ranks with such a cache", at_most=0.6),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    shards, shard_bytes = (2, 8 * MIB) if smoke else (16, 32 * MIB)
    n = shards * shard_bytes // ROW_BYTES

    def make(path: Path) -> None:
        path.mkdir()
        random = np.random.default_rng(0)
        rows = random.integers(0, 256, (n, ROW_BYTES), np.uint8)
        rows[:, :8] = np.arange(n, dtype="<i8").view(np.uint8).reshape(n, 8)
        for i, part in enumerate(np.split(rows, shards)):
            np.save(path / f"{i}.npy", part)

    path = data.once(folder / f"store-{n}", make)
    return Job(kind="rows", data=str(path), n=n, batch_size=64, threads=threads, columns=shards)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns between orders and rivals, each of which opens the shards anew; then epochs with a small cache."""
    os.environ["FASTBATCH_STORE_CACHE_BYTES"] = "0"
    n_bytes = job.n * ROW_BYTES
    with SlowStore(job.data, LATENCY_S, LINK, ERRORS) as store:
        urls = [f"{store.url}/{i}.npy" for i in range(job.columns)]
        ways: dict[str, Callable[[], Any]] = {
            "share of the link, in order": lambda: _loader(subject, urls, job, False),
            "share of the link, shuffled": lambda: _loader(subject, urls, job, "block"),
            "share of the link, loop over obstore": lambda: _obstore_loop(urls, job),
            "share of the link, loop over fsspec": lambda: _fsspec_loop(urls, job),
        }
        expected = _digests(np.load(f"{job.data}/{i}.npy") for i in range(job.columns))
        ways = {name: way for name, way in ways.items() if _is_sound(way, expected, name)}
        rounds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                start = time.perf_counter()
                n = sum(len(batch) for batch in way())
                rounds[name].append(n * ROW_BYTES / (time.perf_counter() - start) / LINK)
        first, second = _two_epochs(subject, store.url, job, n_bytes // 2, 1)
        first_by_two, second_by_two = _two_epochs(subject, store.url, job, n_bytes // 2, 2)
    return {
        **{name: median(shares) for name, shares in rounds.items()},
        "the first epoch reads, with a cache of half the data": first / n_bytes,
        "the second epoch reads, with a cache of half the data": second / n_bytes,
        "the first epoch reads, by two ranks with such a cache": first_by_two / n_bytes,
        "the second epoch reads, by two ranks with such a cache": second_by_two / n_bytes,
    }


def _loader(subject: str, urls: list[str], job: Job, shuffle: Any) -> Any:
    fastbatch = package(subject)
    options = {"batch_size": job.batch_size, "threads": job.threads, "shuffle": shuffle}
    options.update(block_size=job.n // job.columns, window=2)  # a block is a shard
    return fastbatch.arrays(fastbatch.series(urls), **options)


def _digests(batches: Any) -> NDArray[np.uint64]:
    """Return the number and the sum of each row, sorted."""
    found = [(batch[:, :8].copy().view("<u8")[:, 0], batch.sum(1, np.uint64)) for batch in batches]
    rows = np.stack([np.concatenate(part) for part in zip(*found, strict=True)], 1)
    return np.asarray(rows[np.argsort(rows[:, 0])])


def _is_sound(way: Callable[[], Any], expected: NDArray[np.uint64], name: str) -> bool:
    """Return whether the rows are the expected ones; False if a rival is not installed. Raises RuntimeError."""
    try:
        found = _digests(way())
    except ImportError:
        return False
    if not np.array_equal(found, expected):
        raise RuntimeError(f"{name}: not every row once")
    return True


def _two_epochs(subject: str, url: str, job: Job, cache_bytes: int, n_ranks: int) -> tuple[int, int]:
    """Return the bytes that two epochs read from the store, by ranks that share a cache, each a process of its own."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(n_ranks + 1, timeout=600)
    sent = [_sent(url)]
    with tempfile.TemporaryDirectory() as folder:
        given = subject, url, job, folder, cache_bytes, n_ranks, together
        ranks = [context.Process(target=_rank, args=(rank, *given), daemon=True) for rank in range(n_ranks)]
        for rank in ranks:
            rank.start()
        together.wait()
        for _ in range(2):
            together.wait()  # after an epoch
            sent.append(_sent(url))
            together.wait()
        for rank in ranks:
            rank.join()
    return sent[1] - sent[0], sent[2] - sent[1]


def _rank(
    rank: int, subject: str, url: str, job: Job, folder: str, cache_bytes: int, n_ranks: int, together: Any
) -> None:
    os.environ["FASTBATCH_STORE_CACHE"] = folder
    os.environ["FASTBATCH_STORE_CACHE_BYTES"] = str(cache_bytes)
    os.environ["FASTBATCH_STORE_AHEAD_BYTES"] = str(cache_bytes // 8)
    os.environ["FASTBATCH_STORE_MEMORY_BYTES"] = "0"  # no more than what is read ahead, and as much again
    loader = _loader(subject, [f"{url}/{i}.npy" for i in range(job.columns)], job, "block").shard(rank, n_ranks)
    try:
        together.wait()
        for _ in range(2):
            if sum(len(batch) for batch in loader) != job.n // n_ranks:
                raise RuntimeError("not every row")
            together.wait()
            together.wait()
    except BaseException:
        together.abort()
        raise


def _sent(url: str) -> int:
    import urllib.request

    with urllib.request.urlopen(f"{url}/-/bytes") as answer:
        return int(answer.read())


def _batches(content: Any, job: Job) -> Iterator[NDArray[np.uint8]]:
    """Yield the batches of a shard."""
    rows = np.frombuffer(content, np.uint8)
    rows = rows[rows.size % ROW_BYTES :].reshape(-1, ROW_BYTES)
    for i in range(0, len(rows), job.batch_size):
        yield rows[i : i + job.batch_size].copy()


def _obstore_loop(urls: list[str], job: Job) -> Iterator[NDArray[np.uint8]]:
    """Read shard after shard whole, as obstore's documentation does; it tries failed requests again by itself."""
    import obstore
    from obstore.store import from_url

    for url in urls:
        root, _, key = url.rpartition("/")
        store = from_url(root, client_options={"allow_http": True})
        yield from _batches(_tried(lambda store=store, key=key: obstore.get(store, key).bytes()), job)


def _fsspec_loop(urls: list[str], job: Job) -> Iterator[NDArray[np.uint8]]:
    """Read shard after shard through fsspec's files, in batches, by its default read-ahead."""
    import aiohttp  # noqa: F401 - fsspec needs it for these URLs
    import fsspec

    for url in urls:
        size = job.batch_size * ROW_BYTES
        with _tried(lambda url=url: fsspec.open(url).open()) as file:
            at = file.size % ROW_BYTES
            while at < file.size:
                content = _tried(lambda file=file, at=at, n=size: (file.seek(at), file.read(n))[1])
                yield np.frombuffer(content, np.uint8).reshape(-1, ROW_BYTES)
                at += len(content)


def _tried(function: Callable[[], Any]) -> Any:
    """Return a function's result, after some tries if there must be."""
    for _ in range(9):
        with contextlib.suppress(Exception):
            return function()
        time.sleep(0.05)
    return function()
