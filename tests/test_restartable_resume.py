# SPDX-License-Identifier: MIT
"""`restartable` across ranks, runs and processes."""

import copy
import json
import pickle
import subprocess
import sys
import textwrap

import pytest
from making import numbers, numbers_from, take, worker_threads

N = 10
MODES = [None, 1, 3]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not worker_threads()


# ---- shards and restart ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", MODES)
def test_shards_share_the_epoch(api, prefetch):
    ranks = [list(api.restartable(numbers, prefetch=prefetch, shard=(rank, 3))) for rank in range(3)]
    assert ranks == [list(range(N))[rank::3] for rank in range(3)]


@pytest.mark.parametrize("prefetch", MODES)
@pytest.mark.parametrize("function", [numbers, numbers_from])
def test_resume_at_every_step(api, prefetch, function):
    for step in range(N + 1):
        data = api.restartable(function, N, prefetch=prefetch)
        list(data)
        assert take(data, step) == list(range(step))
        state = json.loads(json.dumps(data.state_dict()))
        resumed = api.restartable(function, N, prefetch=prefetch)
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        assert list(resumed) == list(range(step, N))
        assert resumed.epoch == 2
        assert list(resumed) == list(range(N))
    list(data)
    resumed.load_state_dict(data.state_dict())
    assert list(resumed) == list(range(N))
    assert resumed.epoch == 4


@pytest.mark.parametrize("function", [numbers, numbers_from])
@pytest.mark.parametrize("before, after", [(3, 1), (1, 4), (3, 2), (4, 5)])
@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_other_ranks_lose_and_repeat_nothing(api, function, before, after, step):
    step = min(step, -(-N // before))
    seen, states = [], []
    for rank in range(before):
        data = api.restartable(function, N, shard=(rank, before))
        seen += take(data, step)
        states.append(data.state_dict())
    for rank in range(after):
        data = api.restartable(function, N, shard=(rank, after))
        data.load_state_dict(states[0])
        seen += list(data)
    assert sorted(seen) == list(range(N))


def test_start_is_used_only_when_it_is_free(api):
    calls = []

    def function(n, start):
        calls.append(start)
        yield from range(start, n)

    def other(start=5):
        calls.append(start)
        yield from range(start, N)

    data = api.restartable(function, N)
    assert take(data, 4) == [0, 1, 2, 3]
    data.load_state_dict(data.state_dict())
    assert list(data) == list(range(4, N))
    assert calls == [0, 4]
    for bound in (api.restartable(other), api.restartable(function, N, start=5), api.restartable(function, N, 5)):
        calls.clear()
        assert take(bound, 2) == [5, 6]
        bound.load_state_dict(bound.state_dict())
        assert list(bound) == [7, 8, 9]
        assert calls == [5, 5]


def test_bad_states(api):
    data = api.restartable(numbers)
    good = data.state_dict()
    for state in (
        {},
        None,
        {**good, "version": 99},
        {**good, "kind": "x"},
        {**good, "epoch": -1},
        {**good, "position": 1.5},
    ):
        with pytest.raises(api.StateError, match="restartable"):
            data.load_state_dict(state)
    data.load_state_dict({**good, "position": 11})
    with pytest.raises(api.StateError, match="ended before the saved position: expected at least 11 batches, found 10"):
        list(data)
    with pytest.raises(api.StateError):
        data.load_state_dict(api.arrays([1, 2]).state_dict())


def test_copies_and_pickles_go_their_own_way(api):
    data = api.restartable(numbers, prefetch=2)
    take(data, 3)
    for other in (copy.copy(data), copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert other.state_dict() == data.state_dict()
        assert list(other) == list(range(3, N))
    assert data.state_dict()["position"] == 3
    assert "numbers, prefetch=2" in repr(data)


# ---- processes -------------------------------------------------------------------------------------------------------


def run(code, timeout=60):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_program_ends_while_a_thread_works_ahead():
    out = run(
        """
        import itertools, fastbatch
        def function():
            try:
                yield from itertools.count()
            finally:
                print("closed")
        iterator = iter(fastbatch.restartable(function, prefetch=2))
        print(next(iterator))
        """
    )
    assert out == "0\nclosed\n"


def test_another_thread_reads_on_after_the_main_one():
    out = run(
        """
        import threading, time, fastbatch
        iterator = iter(fastbatch.restartable(range, 5, prefetch=1))
        def read():
            for i in iterator:
                time.sleep(0.3)
                print(i, flush=True)
        threading.Thread(target=read).start()
        """
    )
    assert out.split() == ["0", "1", "2", "3", "4"]


def test_a_fork_goes_on_in_both_processes():
    out = run(
        """
        import os, warnings, fastbatch
        warnings.simplefilter("ignore", DeprecationWarning)
        iterator = iter(fastbatch.restartable(range, 6, prefetch=2))
        print(next(iterator), next(iterator), flush=True)
        child = os.fork()
        rest = list(iterator)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        print("parent" if child else "child", *rest, flush=True)
        """
    )
    assert sorted(out.splitlines()) == ["0 1", "child 2 3 4 5", "parent 2 3 4 5"]


def test_interrupting_the_wait_loses_nothing():
    out = run(
        """
        import _thread, threading, time, fastbatch
        def function():
            yield 0
            time.sleep(0.5)
            yield 1
        iterator = iter(fastbatch.restartable(function, prefetch=2))
        print(next(iterator))
        threading.Timer(0.1, _thread.interrupt_main).start()
        try:
            next(iterator)
        except KeyboardInterrupt:
            print("interrupted", *iterator)
        """
    )
    assert out.split() == ["0", "interrupted", "1"]
