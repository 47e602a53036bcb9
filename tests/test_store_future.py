# SPDX-License-Identifier: MIT
"""The cache of blocks evicts what is used furthest in the future: as a simulation does, and never worse than LRU."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

from fastbatch.source.remote.block_cache import BlockCache, file_name
from fastbatch.source.remote.cache_files import hash_of
from fastbatch.source.remote.future import NEVER, Future
from fastbatch.source.remote.settings import Settings
from fastbatch.source.remote.urls import Object

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]

SIZE = 1000
FILE = SIZE + 20  # with the checksum
OBJECT = Object("s3://bucket/x", 1 << 30, "tag")


def belady(uses, capacity, n=None):
    """Return the reads for the first `n` uses when what is used furthest is not kept; the newcomer, too, may be it."""
    cached, reads = set(), 0
    for i, one in enumerate(uses[:n]):
        after = {
            block: next((k for k in range(i + 1, len(uses)) if uses[k] == block), 10**9) for block in cached | {one}
        }
        if one in cached:
            continue
        reads += 1
        cached.add(one)
        if len(cached) > capacity:
            cached.remove(max(cached, key=lambda block: (after[block], block == one)))
    return reads


def fewest_reads(uses, capacity):
    """Return the fewest reads of any cache, by trying all choices."""
    states = {frozenset(): 0}
    for one in uses:
        after = {}
        for cached, reads in states.items():
            found = reads + (one not in cached)
            choices = (
                [cached] if one in cached else [cached | {one}, *((cached | {one}) - {gone} for gone in cached | {one})]
            )
            for choice in choices:
                if len(choice) <= capacity:
                    after[choice] = min(after.get(choice, 10**9), found)
        states = after
    return min(states.values())


def lru(uses, capacity):
    """Return the number of reads when what was not used for longest is deleted."""
    cached, reads = [], 0
    for one in uses:
        if one in cached:
            cached.remove(one)
        else:
            reads += 1
        cached = [*cached, one][-capacity:]
    return reads


def rows(uses):
    return np.array([(i, 0, block, i) for i, block in enumerate(uses)], np.uint64).reshape(-1, 4)


def foreseen(future):
    """Return the function that a loader gives to the cache."""
    blocks, numbers = future.by_block()
    hashes = np.array([hash_of(file_name(OBJECT, int(block) * SIZE, SIZE)) for _, block in blocks], np.uint64)
    order = np.argsort(hashes, kind="stable")
    return lambda: (hashes[order], numbers[order])


def make_cache(folder, capacity):
    return BlockCache(Settings(Path(folder), capacity * FILE))


def reads_of(cache, epochs, knows=True):
    """Return the number of blocks that are not in the cache, for uses of epochs of which the next one is known."""
    reads = 0
    for i, epoch in enumerate(epochs):
        future = Future(rows([*epoch, *(epochs[i + 1] if i + 1 < len(epochs) else [])]), cache.clock + 1)
        if knows:
            cache.foresee("loader", foreseen(future))
        for k, block in enumerate(epoch):
            number = cache.count_use()
            assert number == future.first + k
            when = int(future.next[k]) if knows else None
            found = cache.open(OBJECT, block * SIZE, SIZE, when)
            if found is None:
                reads += 1
                found = cache.write(OBJECT, block * SIZE, memoryview(bytes([block]) * SIZE), when)
            assert os.pread(found, SIZE, 0) == bytes([block]) * SIZE
            os.close(found)
    return reads


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 1000))
def test_the_next_use_of_each_block(uses, first):
    future = Future(rows(uses), first)
    for i, block in enumerate(uses):
        later = [k for k in range(i + 1, len(uses)) if uses[k] == block]
        assert future.next[i] == (first + later[0] if later else NEVER + first + i)
    blocks, numbers = future.by_block()
    expected = sorted((block, first + i) for i, block in enumerate(uses))
    assert list(zip(blocks[:, 1].tolist(), numbers.tolist(), strict=True)) == expected


@given(st.lists(st.integers(0, 5), max_size=9), st.integers(1, 3))
def test_no_cache_reads_less_than_the_simulation(uses, capacity):
    assert belady(uses, capacity) == fewest_reads(uses, capacity)


@settings(max_examples=40)
@given(uses=st.lists(st.integers(0, 7), max_size=60), capacity=st.integers(1, 5))
def test_as_many_reads_as_the_simulation(tmp_path_factory, uses, capacity):
    reads = reads_of(make_cache(tmp_path_factory.mktemp("cache"), capacity), [uses])
    assert reads == belady(uses, capacity) <= lru(uses, capacity)


@settings(max_examples=40)
@given(seeds=st.lists(st.integers(0, 99), min_size=2, max_size=4), n=st.integers(1, 12), capacity=st.integers(1, 8))
def test_across_epochs(tmp_path_factory, seeds, n, capacity):
    """Each epoch uses all blocks; only the next one is known."""
    epochs = [np.random.default_rng(seed).permutation(n).tolist() for seed in seeds]
    uses = [block for epoch in epochs for block in epoch]
    reads = reads_of(make_cache(tmp_path_factory.mktemp("cache"), capacity), epochs)
    assert reads == belady(uses, capacity) <= lru(uses, capacity)


@settings(max_examples=40)
@given(uses=st.lists(st.integers(0, 7), max_size=60), capacity=st.integers(1, 5))
def test_without_a_future_it_is_lru(tmp_path_factory, uses, capacity):
    assert reads_of(make_cache(tmp_path_factory.mktemp("cache"), capacity), [uses], knows=False) == lru(uses, capacity)


def test_half_the_data_in_the_cache_halves_the_reads(tmp_path):
    rng = np.random.default_rng(0)
    epochs = [rng.permutation(40).tolist() for _ in range(6)]
    cache = make_cache(tmp_path, 20)
    reads_of(cache, epochs[:2])
    assert reads_of(cache, epochs[1:]) / 5 <= 0.55 * 40


def put(cache, block, when):
    os.close(cache.write(OBJECT, block * SIZE, memoryview(bytes(SIZE)), when))


def kept(folder):
    names = {file_name(OBJECT, block * SIZE, SIZE): block for block in range(100)}
    return {names[name] for name in os.listdir(folder) if not name.startswith(".")}


def test_files_of_another_process_are_judged_by_their_times(tmp_path):
    """Those whose time has passed go first, the oldest of them first; then the furthest of all."""
    mine, other = make_cache(tmp_path, 4), make_cache(tmp_path, 4)
    put(other, 0, 1_000)  # in 40 s, as far as it knows
    put(other, 1, 1_000_000)
    put(other, 2, None)
    os.utime(tmp_path / file_name(OBJECT, 2 * SIZE, SIZE), (time.time() - 60,) * 2)
    put(mine, 3, 100_000)
    put(mine, 4, 10_000)
    assert kept(tmp_path) == {0, 1, 3, 4}
    put(mine, 5, 500_000)
    assert kept(tmp_path) == {0, 5, 3, 4}
    put(mine, 6, 2_000_000)
    assert kept(tmp_path) == {0, 5, 3, 4}
    put(mine, 7, 1)
    assert kept(tmp_path) == {0, 3, 4, 7}


def test_a_process_knows_the_files_of_an_earlier_one(tmp_path):
    """After a restart in mid-epoch, the files are judged by the uses to come, not by what that process expected."""
    put_by = make_cache(tmp_path, 3)
    for block in range(3):
        put(put_by, block, 10)
    again = make_cache(tmp_path, 3)
    again.foresee("loader", foreseen(Future(rows([5, 2, 0, 1]), 1)))
    again.count_use()
    put(again, 5, NEVER + 1)
    assert kept(tmp_path) == {0, 1, 2}
    again.foresee("loader", foreseen(Future(rows([6, 2, 6, 0, 1]), 2)))
    again.count_use()
    put(again, 6, 4)
    assert kept(tmp_path) == {0, 2, 6}


def test_a_loader_without_uses_to_come_hides_none_of_another(tmp_path):
    """After a restart the folder is judged by what all loaders know, and one of them has read its last block."""
    before = make_cache(tmp_path, 3)
    for block in range(3):
        put(before, block, 10)
    again = make_cache(tmp_path, 3)
    again.foresee("at its end", foreseen(Future(rows([]), 1)))
    again.foresee("loader", foreseen(Future(rows([5, 2, 0, 1]), 1)))
    again.count_use()
    put(again, 5, 3)
    assert kept(tmp_path) == {0, 2, 5}


def test_an_epoch_that_was_left_early_does_not_fill_the_cache(tmp_path):
    cache = make_cache(tmp_path, 3)
    cache.foresee("loader", foreseen(Future(rows([0, 1, 2, 0, 1, 2]), 1)))
    for block in range(3):
        cache.count_use()
        put(cache, block, 4 + block)
    for _ in range(10):
        cache.count_use()  # by other loaders
    cache.foresee("loader", foreseen(Future(rows([3, 4, 3, 4]), 14)))
    for number, block in ((14, 3), (15, 4)):
        assert cache.count_use() == number
        put(cache, block, number + 2)
    assert {3, 4} < kept(tmp_path)


N_BLOCKS = 12
ROWS = 64  # a block


def blocks_in_order(loader):
    """Return the blocks of one epoch in the order of their batches, each of which has the rows of one."""
    found = []
    for batch in loader:
        numbers = np.unique(batch[:, :8].copy().view("<i8") // ROWS)
        assert len(batch) == ROWS
        assert len(numbers) == 1
        found.append(int(numbers[0]))
    return found


@pytest.mark.parametrize("capacity", [3, 6, 9])
def test_a_loader_reads_what_the_simulation_reads(web, monkeypatch, capacity):
    """What is read ahead is in memory, and so may save a read or two where an epoch begins."""
    import fastbatch as fb

    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    monkeypatch.setenv("FASTBATCH_STORE_MEMORY_BYTES", "0")
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", str(capacity * ((4 << 20) + 20)))
    rows = np.zeros((N_BLOCKS * ROWS, 1 << 16), np.uint8)
    rows[:, :8] = np.arange(len(rows), dtype="<i8").view(np.uint8).reshape(-1, 8)
    rows.tofile(web.folder / "rows")
    options = {"batch_size": ROWS, "shuffle": "block", "block_size": ROWS, "window": 1, "seed": 5, "prefetch": 1}
    loader = fb.arrays(fb.raw(f"{web.url}/rows", "u1", (-1, 1 << 16)), threads=1, **options)
    local = fb.arrays(rows, **options)
    n_epochs = 4
    expected = [blocks_in_order(local) for _ in range(n_epochs + 1)]
    reads = []
    for epoch in range(n_epochs):
        before = web.faults.n_requests
        assert blocks_in_order(loader) == expected[epoch]
        reads.append(web.faults.n_requests - before)
    uses = [block for epoch in expected for block in epoch]
    n = n_epochs * N_BLOCKS
    simulated = belady(uses, capacity, n)
    assert belady(uses, capacity + 3, n) <= sum(reads) <= simulated < lru(uses[:n], capacity)
    assert reads[0] == N_BLOCKS


def test_what_is_needed_stays_in_memory(web, monkeypatch):
    """Batches of rows of all blocks, with memory for none, and no cache: each block is read once in an epoch."""
    import fastbatch as fb

    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    monkeypatch.setenv("FASTBATCH_STORE_MEMORY_BYTES", "0")
    monkeypatch.setenv("FASTBATCH_STORE_CACHE_BYTES", "0")
    loader = fb.arrays(f"{web.url}/x.npy", batch_size=100, shuffle=True)
    before = web.faults.n_requests
    assert sum(len(batch) for batch in loader) == 1000
    assert web.faults.n_requests - before <= 3


@pytest.mark.parametrize("wait_s", [0.0, 0.3])
@pytest.mark.parametrize("shuffle", [True, "block"])
def test_the_uses_of_many_samples_are_listed_meanwhile(web, monkeypatch, wait_s, shuffle):
    """The first ones at once, the others in another thread: those that were asked for are the first of them."""
    import fastbatch as fb
    from fastbatch.native import ahead

    listed, done = ahead._listed, []

    def slow(given, begin, n, first):
        time.sleep(wait_s)
        found = listed(given, begin, n, first)
        few = ahead._core.block_uses(given[0], *given[1], begin, max(1, ahead._FIRST_SAMPLES // 50))
        assert np.array_equal(few[:, :3], found[2].uses[: len(few), :3])
        done.append(found[0])
        return found

    monkeypatch.setattr(ahead, "_listed", slow)
    monkeypatch.setattr(ahead, "_FIRST_SAMPLES", 100)
    monkeypatch.setattr(ahead, "_MANY", 1)
    options = {"batch_size": 50, "shuffle": shuffle, "seed": 4}
    loader = fb.arrays(f"{web.url}/x.npy", **options)
    local = fb.arrays(str(web.folder / "x.npy"), **options)
    for epoch in range(3):
        for batch, expected in zip(loader, local, strict=True):
            assert np.array_equal(batch, expected)
        assert len(done) == epoch + 1
        assert done[-1] >= 20
