# SPDX-License-Identifier: MIT
"""Requests to stores: how many at once, in which order, and how far ahead of the batches."""

import asyncio
import sys

import numpy as np
import pytest
from making import same

pytest.importorskip("obstore", reason="the extra `stores` is not installed")

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"), pytest.mark.timeout(120)]


def in_room(requests, n_bytes, wanted):
    """Return the order in which requests (name, size, again) begin, and the most of them and of bytes at once."""
    from fastbatch.source.remote.room import Room

    begun, now, most = [], [], [0, 0]

    async def one(room, name, size, again):
        async with room.of(size, again=again):
            begun.append(name)
            now.append(size)
            most[:] = max(most[0], len(now)), max(most[1], sum(now))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            now.remove(size)

    async def all_of_them():
        room = Room(requests, n_bytes)
        await asyncio.gather(*(one(room, *each) for each in wanted))

    asyncio.run(all_of_them())
    return begun, most


def test_requests_and_bytes_at_once_are_limited():
    wanted = [(i, 10, False) for i in range(20)]
    assert in_room(4, 1000, wanted) == (list(range(20)), [4, 40])
    assert in_room(100, 35, wanted) == (list(range(20)), [3, 30])
    assert in_room(4, 5, wanted) == (list(range(20)), [1, 10])  # larger than all that is allowed: alone


def test_a_request_that_is_made_again_comes_first():
    begun, _ = in_room(1, 1000, [("a", 1, False), ("b", 1, False), ("c", 1, False), ("again", 1, True)])
    assert begun == ["a", "again", "b", "c"]


def test_a_request_that_was_given_up_leaves_its_room():
    from fastbatch.source.remote.room import Room

    async def run():
        room = Room(1, 1000)
        held = room.of(10)
        await held.__aenter__()

        async def wait():
            async with room.of(10):
                return True

        tasks = [asyncio.ensure_future(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await held.__aexit__(None, None, None)
        tasks[1].cancel()  # its turn has come, but it does not know yet
        assert await asyncio.wait_for(tasks[2], 5)

    asyncio.run(run())


@pytest.fixture
def shards(web):
    """The URLs of eight arrays, and the arrays."""
    parts = np.random.default_rng(1).integers(0, 255, (8, 100, 1000), np.uint8)
    for i, part in enumerate(parts):
        np.save(web.folder / f"{i}.npy", part)
    return [f"{web.url}/{i}.npy" for i in range(8)], list(parts)


@pytest.mark.behavior
def test_many_objects_are_opened_at_once(api, web, shards):
    urls, parts = shards
    web.faults.latency_s = 0.05
    before = web.faults.n_bytes
    opened = api.series(urls)
    assert web.faults.most_at_once > 4
    same(list(api.arrays(opened, batch_size=64)), list(api.arrays(api.series(parts), batch_size=64)))
    assert web.faults.n_bytes - before == sum(part.nbytes + 128 for part in parts)


@pytest.mark.behavior
def test_one_of_many_that_is_missing(api, web, shards):
    urls, _ = shards
    with pytest.raises(FileNotFoundError, match="none.npy"):
        api.series([*urls[:3], f"{web.url}/none.npy", *urls[3:]])
    assert len(api.series(urls)) == 800


def test_blocks_that_a_batch_shares_with_others_count_once(web, monkeypatch):
    """Bytes ahead are those of different blocks, although each block is used by many batches."""
    import fastbatch as fb
    from fastbatch.native import stores

    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", str(20 << 20))  # five blocks
    np.save(web.folder / "wide.npy", np.repeat(np.arange(2048, dtype=np.int16)[:, None], 8192, 1))  # eight blocks
    asked = set()
    ask = stores.Pager.ask
    monkeypatch.setattr(stores.Pager, "ask", lambda *given: asked.add(given[2]) or ask(*given))
    loader = fb.arrays(f"{web.url}/wide.npy", batch_size=64, shuffle="block", block_size=512, window=1, prefetch=2)
    asked.clear()
    batches = iter(loader)
    assert len(asked) >= 5
    assert sorted(np.concatenate(list(batches))[:, 8191].tolist()) == list(range(2048))


def test_the_next_batches_are_asked_for_whole(web, monkeypatch):
    """However little may be read ahead, no batch waits for its blocks one after another."""
    import fastbatch as fb

    monkeypatch.setenv("FASTBATCH_STORE_AHEAD_BYTES", "1")
    urls = [f"{web.url}/photos/{name}/{i}.jpg" for name in ("cat", "dog", "owl") for i in range(4)]
    loader = fb.images(urls, size=32, batch_size=4, threads=1, prefetch=1)
    web.faults.latency_s = 0.1
    web.faults.most_at_once = 0
    next(iter(loader))
    assert web.faults.most_at_once >= 4


@pytest.mark.parametrize(("size", "most"), [(50, 2), (51, 1), (101, 1)])
def test_requests_fill_the_room_to_the_last_byte(size, most):
    """One is always made, even if it is larger than the room."""

    from fastbatch.source.remote.room import Room

    async def at_once():
        room, running, seen = Room(9, 100), 0, []

        async def request():
            nonlocal running
            async with room.of(size):
                running += 1
                seen.append(running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(request() for _ in range(5)))
        return max(seen)

    assert asyncio.run(at_once()) == most
