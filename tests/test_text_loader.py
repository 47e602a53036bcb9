# SPDX-License-Identifier: MIT
"""Loaders of words and lines: epochs, shards, exact resume, threads, forks, lifetime."""

import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import NewThreads, wait_until
from texts import READ_SIZES, flat, write

import fastbatch
from fastbatch import pure


@settings(max_examples=50)
@given(
    data=st.lists(st.sampled_from([bytes([b]) for b in b"abc \n\r\xe2\x80\xff\xc3\xa9"]), max_size=50).map(b"".join),
    item=st.sampled_from(["words", "lines"]),
    errors=st.sampled_from(["ignore", "replace", "surrogateescape", "xmlcharrefreplace"]),
    at=st.integers(0, 6),
    world=st.integers(1, 3),
    read_size=READ_SIZES,
)
def test_a_saved_state_goes_on_with_the_next_batch(tmp_path, data, item, errors, at, world, read_size):
    if errors == "xmlcharrefreplace":
        data, errors = data.decode("latin-1").encode("utf-16"), "strict"
        encoding = "utf-16"
    else:
        encoding = "utf-8"
    path = write(tmp_path, data)
    paths = [path, write(tmp_path, b"x y\nz", "second.txt")]
    options = {"encoding": encoding if encoding == "utf-8" else "utf-16", "errors": errors, "read_size": read_size}
    if encoding != "utf-8":
        paths.pop()
    states = []
    for api in (fastbatch, pure):
        make = getattr(api, item)
        whole = list(make(paths, 2, **options))
        ranks = []
        for rank in range(world):
            loader = make(paths, 2, shard=(rank, world), **options)
            iterator = iter(loader)
            mine = list(itertools.islice(iterator, at))
            assert mine == whole[rank::world][:at]
            if len(mine) < at:
                continue  # it reached the end of the epoch
            state = json.loads(json.dumps(loader.state_dict()))
            fresh = make(paths, 2, shard=(rank, world), **options)
            fresh.load_state_dict(state)
            assert list(fresh) == whole[rank::world][at:]
            assert fresh.epoch == 1
            ranks.append(state)
            other = make(paths, 3, **options)
            other.load_state_dict(state)
            assert flat(other) == flat(whole[at * world :])
        assert all(state == ranks[0] for state in ranks)
        states.append(ranks)
    assert states[0] == states[1]


def test_each_for_is_an_epoch(api, tmp_path):
    loader = api.words(write(tmp_path, "a b c d e"), 2)
    assert loader.epoch == 0
    assert list(loader) == list(loader) == [["a", "b"], ["c", "d"], ["e"]]
    assert loader.epoch == 2
    assert len(loader) == 3
    assert loader.n_samples == 5
    assert flat(loader.repeat(2)) == list("abcdeabcde")
    assert flat(itertools.islice(loader.repeat(), 5)) == list("abcdeabcd")
    assert list(loader.take(2)) == [["a", "b"], ["c", "d"]]
    assert len(loader.take(2)) == 2
    assert [len(loader.shard(rank, 2)) for rank in range(2)] == [2, 1]
    loader.set_epoch(7)
    assert loader.epoch == 7
    stats = loader.stats()
    assert stats["samples"] >= 10
    assert 0 < stats["wait_s"] <= stats["elapsed_s"]


def test_two_iterators_do_not_disturb_each_other(api, tmp_path):
    loader = api.words(write(tmp_path, "a b c"), 1)
    first, second = iter(loader), iter(loader)
    assert [next(first), next(second), next(first), next(second)] == [["a"], ["a"], ["b"], ["b"]]


def test_take_goes_on_after_a_resume(api, tmp_path):
    path = write(tmp_path, "a b c d e f")
    loader = api.words(path, 2).take(2)
    next(iter(loader))
    fresh = api.words(path, 2).take(2)
    fresh.load_state_dict(loader.state_dict())
    assert list(fresh) == [["c", "d"]]


def test_states_of_others_are_refused(api, tmp_path):
    path = write(tmp_path, "a b c")
    state = api.words(path, 2).state_dict()
    for wrong, message in [
        ({**state, "version": 99}, "of this version"),
        ({**state, "kind": "lines"}, "state of lines, expected words"),
        ({**state, "position": -1}, "position"),
        ({key: value for key, value in state.items() if key != "byte"}, "'byte' is missing"),
        ({**state, "dataset": "0"}, "another data set"),
        ({**state, "order": "shuffle line"}, "another order"),
    ]:
        with pytest.raises(fastbatch.StateError, match=message):
            api.words(path, 2).load_state_dict(wrong)
    path.write_bytes(b"a b c d")
    with pytest.raises(fastbatch.StateError, match="another data set"):
        api.words(path, 2).load_state_dict(state)


def test_an_iterator_that_threads_share_is_exact(api, tmp_path):
    text = " ".join(map(str, range(20_000)))
    loader = api.words(write(tmp_path, text), 7, read_size=4096)
    iterator, got = iter(loader), []

    def read():
        got.extend(iterator)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(flat(got), key=int) == text.split()


def test_close_ends_iterators(api, tmp_path):
    with api.words(write(tmp_path, "word " * 100_000), 2) as loader:
        iterator = iter(loader)
        next(iterator)
    with pytest.raises(fastbatch.ClosedError):
        next(iterator)
    with pytest.raises(fastbatch.ClosedError):
        iter(loader)
    loader.close()


def test_iterators_that_are_dropped_leave_no_thread(tmp_path):
    path = write(tmp_path, "word " * 100_000)
    threads = NewThreads()
    for _ in range(20):
        next(iter(fastbatch.words(path, 2)))
        next(fastbatch.text_generator(path, 2))
    gc.collect()
    wait_until(lambda: len(threads) == 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_goes_on(api, tmp_path):
    path = write(tmp_path, " ".join(map(str, range(1000))))
    iterator, words = iter(api.words(path, 10)), api.text_generator(path, 10)
    next(iterator), next(words)
    child = os.fork()
    if child == 0:
        expected = [str(i) for i in range(10, 1000)]
        os._exit(0 if flat(iterator) == expected and flat(words) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert flat(iterator) == flat(words) == [str(i) for i in range(10, 1000)]


def test_lengths_of_what_is_left(api, tmp_path):
    path = write(tmp_path, "a b c d e f g h i j k")
    for options in ({}, {"drop_last": True}, {"shard": (1, 2)}):
        loader = api.words(path, 2, **options)
        whole = list(loader.take(4))
        assert len(loader.take(4)) == len(whole)
        for at in range(1, len(loader)):
            iterator = iter(loader)
            for _ in range(at):
                next(iterator)
            for resumed in (api.words(path, 2, **options), api.words(path, 2, **options).take(4)):
                resumed.load_state_dict(loader.state_dict())
                length = resumed._next_length()
                assert length == len(list(resumed))


def test_text_is_not_read_to_know_its_class(tmp_path):
    path = write(tmp_path, "a b c")
    loader = fastbatch.words(path)
    path.unlink()
    assert isinstance(loader, fastbatch.TextLoader)
    assert not isinstance(loader, dict)


READ = """
import sys, fastbatch as fb
loader = fb.words(sys.argv[1], 2**40)  # no batch before the end of the text
try:
    print("reading", flush=True)
    while True:
        list(loader)
except KeyboardInterrupt:
    print("interrupted")
loader = fb.words(sys.argv[1], 3)
print(len(next(iter(loader))))
"""


def test_ctrl_c_while_next_waits(tmp_path):
    path = write(tmp_path, "word " * 2_000_000)
    command = [sys.executable, "-c", READ, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "reading\n"
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "interrupted\n3\n", "")


@pytest.mark.parametrize("shuffle", [False, "line"])
@pytest.mark.parametrize("n_done", [0, 2])
def test_each_rank_tells_its_functions_where_a_batch_is(api, tmp_path, shuffle, n_done):
    """`info.position` is the place of the batch's first line among those of all ranks, also after a resume."""
    path = write(tmp_path, "".join(f"{i}\n" for i in range(50)))
    order = [line for batch in api.lines(path, 1, shuffle=shuffle, seed=3) for line in batch]
    for rank in range(3):
        loader = api.lines(path, 4, shuffle=shuffle, seed=3, shard=(rank, 3))
        state = None
        if n_done:
            iterator = iter(loader)
            for _ in range(n_done):
                next(iterator)
            state = loader.state_dict()
        mapped = api.lines(path, 4, shuffle=shuffle, seed=3, shard=(rank, 3)).map(lambda batch, info: (batch, info))
        if state is not None:
            mapped.load_state_dict(state)
        found = list(mapped)
        assert len(found) == [5, 4, 4][rank] - n_done
        for k, (batch, info) in enumerate(found, n_done):
            assert info.position == (k * 3 + rank) * 4
            assert info.number == k
            assert batch == order[info.position : info.position + 4]


def test_a_state_brings_its_seed(api, tmp_path):
    path = write(tmp_path, "".join(f"{i}\n" for i in range(50)))
    loader = api.lines(path, 4, shuffle="line", seed=3)
    epoch = list(loader)
    loader.set_epoch(0)
    iterator = iter(loader)
    next(iterator)
    other = api.lines(path, 4, shuffle="line", seed=8)
    other.load_state_dict(loader.state_dict())
    assert list(other) == epoch[1:]
    assert other.seed == 3


@pytest.mark.parametrize("shuffle", [False, "line"])
def test_skip_after_a_state_of_another_batch_size(api, tmp_path, shuffle):
    """The batches that `skip` leaves out are those of the epoch, wherever in it the state is."""
    path = write(tmp_path, "".join(f"{i}\n" for i in range(50)))
    order = [line for batch in api.lines(path, 1, shuffle=shuffle, seed=3) for line in batch]
    for n_done in range(4):
        loader = api.lines(path, 3, shuffle=shuffle, seed=3)
        iterator = iter(loader)
        for _ in range(n_done):
            next(iterator)
        other = api.lines(path, 4, shuffle=shuffle, seed=3).skip(2)
        other.load_state_dict(loader.state_dict())
        begin = max(8, 3 * n_done)
        assert list(other) == [order[i : i + 4] for i in range(begin, 50, 4)]
