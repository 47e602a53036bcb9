# SPDX-License-Identifier: MIT
"""Processes that share a cache: each knows what the others will use, and a block is read once for all of them."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

from fastbatch.source.remote import block_cache
from fastbatch.source.remote.block_cache import BlockCache, file_name
from fastbatch.source.remote.cache_files import hash_of
from fastbatch.source.remote.future import Future
from fastbatch.source.remote.neighbours import Neighbours, Turn, Turns, joined, next_uses
from fastbatch.source.remote.settings import Settings
from fastbatch.source.remote.urls import Object

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]

SIZE = 1000
OBJECT = Object("s3://bucket/x", 1 << 30, "tag")
NAME = file_name(OBJECT, 0, SIZE)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20)), max_size=30), st.integers(0, 20))
def test_the_next_use_after_now(uses, clock):
    parts = [np.array(sorted(part), np.uint64).reshape(-1, 2).T for part in (uses[::2], uses[1::2])]
    hashes, numbers = joined([(part[0], part[1]) for part in parts])
    assert list(zip(hashes.tolist(), numbers.tolist(), strict=True)) == sorted(uses)
    found = next_uses(hashes, numbers, np.arange(5, dtype=np.uint64), clock)
    for block, at in enumerate(found.tolist()):
        later = [number for other, number in sorted(uses) if other == block and number > clock]
        assert (int(numbers[at]) if at < len(numbers) else None) == (min(later) if later else None)


class Rank:
    """A process, as far as the cache knows: its uses, epoch by epoch, one after another."""

    def __init__(self, folder, capacity, epochs, tells):
        self.cache = BlockCache(Settings(folder, capacity * (SIZE + 20)))
        self.epochs, self.tells, self.reads = epochs, tells, 0
        if tells:
            self.cache.tell()

    def run(self):
        """Use the blocks of one epoch after another; yield after each use."""
        for now, after in zip(self.epochs, self.epochs[1:], strict=False):
            uses = np.array([(i, 0, block, i) for i, block in enumerate([*now, *after])], np.uint64)
            future = Future(uses, self.cache.clock + 1)
            blocks, numbers = future.by_block()
            hashes = np.array([hash_of(file_name(OBJECT, int(b) * SIZE, SIZE)) for b in blocks[:, 1]], np.uint64)
            order = np.argsort(hashes, kind="stable")
            self.cache.foresee("loader", lambda found=(hashes[order], numbers[order]): found)
            if self.tells:
                self.cache.tell()
            for k, block in enumerate(now):
                self.cache.count_use()
                when = int(future.next[k])
                found = self.cache.open(OBJECT, block * SIZE, SIZE, when)
                if found is None:
                    self.reads += 1
                    found = self.cache.write(OBJECT, block * SIZE, memoryview(bytes(SIZE)), when)
                os.close(found)
                yield


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize("n_ranks", [2, 3])
def test_ranks_read_once_what_they_all_use(tmp_path, monkeypatch, lag, n_ranks):
    """Each uses all blocks in the same order, one after another; the cache has half of them."""
    monkeypatch.setattr(block_cache, "_SCAN_S", 0.0)
    monkeypatch.setattr(block_cache, "_SCAN_TIMES", 0)
    rng = np.random.default_rng(0)
    epochs = [rng.permutation(40).tolist() for _ in range(6)]

    def read_after_the_first_epoch(folder, tells):
        ranks = [Rank(folder, 20, epochs, tells) for _ in range(n_ranks)]
        running = [rank.run() for rank in ranks]
        for step in range(40 * 5 + lag * n_ranks):
            for number, one in enumerate(running):
                if step >= lag * number:
                    next(one, None)
            if step == 40 + lag * n_ranks:
                before = sum(rank.reads for rank in ranks)
        return (sum(rank.reads for rank in ranks) - before) / (40 * 4)

    read = read_after_the_first_epoch(tmp_path / "a", True)
    assert read <= 0.6
    assert read_after_the_first_epoch(tmp_path / "b", False) > read


OTHER = """
import sys
from pathlib import Path
import numpy as np
from fastbatch.source.remote.neighbours import Neighbours, Turn, Turns
folder, name = Path(sys.argv[1]), sys.argv[2]
neighbours, turn = Neighbours(folder), Turn(Turns(folder), name)
neighbours.tell(np.array([1, 2, 2], np.uint64), np.array([5, 3, 9], np.uint64), 2, 0.5)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


@pytest.fixture
def other(tmp_path):
    """Another process with a file of uses; returns a function that evaluates an expression there."""
    command = [sys.executable, "-c", OTHER, str(tmp_path), NAME]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(expression):
        process.stdin.write(expression + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    ask.process = process
    assert ask("1") == "1"
    yield ask
    process.kill()
    process.wait(20)
    process.stdin.close()
    process.stdout.close()


def test_what_another_process_tells(tmp_path, other):
    mine = Neighbours(tmp_path)
    assert not mine.are_there
    mine.look()
    assert mine.are_there
    wanted = np.array([1, 2, 3], np.uint64)
    assert mine.seconds_until(wanted).tolist() == [1.5, 0.5, np.inf]
    other("neighbours.move_on(3, 1.0)")
    assert mine.seconds_until(wanted).tolist() == [2.0, 6.0, np.inf]
    other("neighbours.move_on(9, 1.0)")
    assert mine.seconds_until(wanted).tolist() == [np.inf] * 3


def test_a_process_that_was_killed_is_forgotten(tmp_path, other):
    mine = Neighbours(tmp_path)
    mine.look()
    assert len([name for name in os.listdir(tmp_path) if name.startswith(".future-")]) == 1
    os.kill(other.process.pid, signal.SIGKILL)
    other.process.wait(20)
    mine.look()
    assert not mine.are_there
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".future-")]


def test_damaged_files_of_uses_are_ignored(tmp_path, other):
    path = next(path for path in tmp_path.iterdir() if path.name.startswith(".future-"))
    mine = Neighbours(tmp_path)
    for content in (b"", b"x" * 7, path.read_bytes()[:-8], b"x" * 80):
        path.write_bytes(content)
        mine.look()
        assert not mine.are_there


def test_one_reads_and_the_others_wait(tmp_path, other):
    mine = Turn(Turns(tmp_path), NAME)
    assert other("turn.take()") == "True"
    assert not mine.take()
    assert other("turn.is_awaited()") == "False"
    mine.begin_to_wait()
    assert other("turn.is_awaited()") == "True"
    other("turn.give()")
    assert mine.take()
    mine.end_to_wait()
    assert other("turn.take()") == "False"
    mine.give()
    assert other("turn.take()") == "True"
    os.kill(other.process.pid, signal.SIGKILL)
    other.process.wait(20)
    assert mine.take()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in its place")
    turn = Turn(Turns(tmp_path / "file"), NAME)
    assert turn.take()
    assert not turn.is_awaited()
    turn.give()
    BlockCache(Settings(tmp_path / "file", 1 << 20)).tell()


LOADER = """
import sys
import fastbatch as fb
import fastbatch.native.stores as stores
from fastbatch.source.remote import block_cache
stores.BLOCK_BYTES, block_cache._SCAN_S = 1 << 16, 0.1
url, rank = sys.argv[1], int(sys.argv[2])
options = {"batch_size": 16, "shuffle": "block", "block_size": 64, "window": 2, "seed": 5, "threads": 1}
loader = fb.arrays(fb.raw(url, "u1", (-1, 1 << 10)), shard=(rank, 2), **options)
print("ready", flush=True)
for _ in sys.stdin:
    print(sum(len(batch) for batch in loader), flush=True)
"""


def test_two_ranks_of_a_host(web, tmp_path):
    """All is read once in the first epoch, and about half of it in each further one, by both together."""
    n_blocks = 24
    rows = np.random.default_rng(0).integers(0, 255, (n_blocks * 64, 1 << 10), dtype=np.uint8)
    rows.tofile(web.folder / "rows")
    web.faults.latency_s = 0.02
    environment = {
        **os.environ,
        "FASTBATCH_STORE_CACHE_BYTES": str(n_blocks // 2 * ((1 << 16) + 20)),
        "FASTBATCH_STORE_AHEAD_BYTES": str(2 << 16),
        "FASTBATCH_STORE_MEMORY_BYTES": "0",
    }
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", LOADER, f"{web.url}/rows", str(rank)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    read = []
    try:
        for rank in ranks:
            assert rank.stdout.readline() == "ready\n"
        for _ in range(4):
            before = web.faults.n_bytes
            for rank in ranks:
                rank.stdin.write("\n")
                rank.stdin.flush()
            for rank in ranks:
                assert rank.stdout.readline() == f"{len(rows) // 2}\n"
            read.append((web.faults.n_bytes - before) / rows.nbytes)
            time.sleep(0.1)
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait(20)
            rank.stdin.close()
            rank.stdout.close()
    assert read[0] <= 1.25  # until they have seen each other
    assert np.mean(read[1:]) <= 0.6
