# SPDX-License-Identifier: MIT
"""`restartable`: epochs, errors, threads and shards of generator functions."""

import functools
import itertools
import sys
import threading
import time
import traceback

import pytest
from making import numbers, numbers_from, take, worker_threads

N = 10
MODES = [None, 1, 3]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not worker_threads()


# ---- the user's own example ------------------------------------------------------------------------------------------


def test_the_wrapper_calls_the_function_anew(api):
    def simple_generator(start, end, length):
        for i in range(start, end):
            yield [i] * length

    data = api.RestartableGeneratorWrapper(simple_generator, 0, 3, length=2)
    for _ in range(3):
        assert list(data) == [[0, 0], [1, 1], [2, 2]]
    assert next(iter(data)) == [0, 0]


@pytest.mark.parametrize("prefetch", MODES)
def test_every_epoch_is_whole(api, prefetch):
    data = api.restartable(numbers, prefetch=prefetch)
    assert [list(data) for _ in range(3)] == [list(range(N))] * 3
    assert data.epoch == 3
    assert take(data, 4) == [0, 1, 2, 3]
    assert list(data) == list(range(N))


@pytest.mark.parametrize(
    "function, arguments",
    [
        (range, (N,)),
        (list(range(N)), ()),
        (functools.partial(numbers, n=N), ()),
        (functools.partial(numbers, N), ()),
        (lambda: list(range(N)), ()),
        (lambda: map(int, range(N)), ()),
        (lambda n: (i for i in range(n)), (N,)),
    ],
)
def test_what_can_start_afresh(api, function, arguments):
    data = api.restartable(function, *arguments)
    assert list(data) == list(data) == list(range(N))


def test_an_object_that_resets_itself(api):
    class Loader:
        def __iter__(self):
            self.i = 0
            return self

        def __next__(self):
            if self.i == 3:
                raise StopIteration
            self.i += 1
            return self.i

    class Old:
        def __getitem__(self, i):
            return [1, 2, 3][i]

    for data in (api.restartable(Loader()), api.restartable(Old()), api.restartable(Loader)):
        assert list(data) == list(data) == [1, 2, 3]


def test_what_cannot_start_afresh(api):
    generator = numbers()
    cases = [
        ((generator,), "a generator can be read once only"),
        ((map(int, [1]),), "a map can be read once only"),
        ((5,), "expected a generator function or an iterable, found int"),
        (("train.txt",), "expected a generator function or an iterable, found 'train.txt'"),
        (([1], 2), "arguments are for a function, found an object of type list"),
        ((numbers_from,), "numbers_from: missing a required argument: 'n'"),
        ((numbers, 1, 2), "numbers: too many positional arguments"),
    ]
    for arguments, message in cases:
        with pytest.raises(TypeError, match=message):
            api.restartable(*arguments)
    with pytest.raises(TypeError, match="expected it to return an iterable, found int"):
        iter(api.restartable(lambda: 5))
    data = api.restartable(lambda: generator)
    assert len(list(data)) == N
    with pytest.raises(TypeError, match="returned the generator of the pass before"):
        iter(data)


def test_length(api):
    data = api.restartable(numbers)
    with pytest.raises(TypeError, match="numbers has no length before"):
        len(data)
    take(data, 3)
    with pytest.raises(TypeError, match="no length"):
        len(data)
    assert data
    list(data)
    assert len(data) == N
    assert len(api.restartable(numbers, length=4)) == 4
    assert list(api.restartable(numbers, length=4)) == [0, 1, 2, 3]
    assert list(api.restartable(itertools.count, length=3)) == [0, 1, 2]
    assert list(api.restartable(itertools.count, length=0)) == []
    assert [len(api.restartable(numbers, length=N, shard=(rank, 4))) for rank in range(4)] == [3, 3, 2, 2]
    with pytest.raises(ValueError, match="numbers ended early: expected length=11 batches, found 10"):
        list(api.restartable(numbers, length=11))


def test_bad_options(api):
    for options, error, message in [
        ({"length": -1}, ValueError, "length"),
        ({"length": 1.0}, TypeError, "length"),
        ({"prefetch": -1}, ValueError, "prefetch"),
        ({"shard": (3, 3)}, ValueError, "rank: expected 0 to 2, found 3"),
        ({"shard": 3}, TypeError, "shard: expected"),
        ({"colour": 3}, TypeError, "numbers: got an unexpected keyword argument 'colour'"),
    ]:
        with pytest.raises(error, match=message):
            api.restartable(numbers, **options)


# ---- errors ----------------------------------------------------------------------------------------------------------


def failing(error):
    """Yield 0, 1 and 2, then raise."""
    yield from range(3)
    raise error


@pytest.mark.parametrize("prefetch", MODES)
def test_an_error_comes_as_it_is(api, prefetch):
    iterator = iter(api.restartable(failing, KeyError("of the user"), prefetch=prefetch))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="of the user") as caught:
        next(iterator)
    assert traceback.extract_tb(caught.tb)[-1].name == "failing"
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["fastbatch: raised by failing for batch 3"]
    assert list(iterator) == []


@pytest.mark.parametrize("prefetch", MODES)
@pytest.mark.parametrize("error", [StopIteration, GeneratorExit])
def test_an_end_in_the_users_code_is_no_end(api, prefetch, error):
    def call():
        raise error

    iterator = iter(api.restartable(failing, error(), prefetch=prefetch))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(RuntimeError, match="StopIteration|GeneratorExit"):
        next(iterator)
    with pytest.raises(RuntimeError, match=f"call raised {error.__name__} when it was called"):
        iter(api.restartable(call, prefetch=prefetch))


@pytest.mark.parametrize("prefetch", MODES)
def test_a_pass_that_failed_is_not_over(api, prefetch):
    data = api.restartable(failing, OSError("gone"), prefetch=prefetch)
    with pytest.raises(OSError, match="gone"):
        list(data)
    assert (data.state_dict()["epoch"], data.state_dict()["position"]) == (0, 3)
    with pytest.raises(TypeError, match="no length"):
        len(data)


# ---- the iterator ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", MODES)
def test_iterators_protocol(api, prefetch):
    data = api.restartable(numbers, prefetch=prefetch)
    iterator = iter(data)
    assert iter(iterator) is iterator
    one, two = iter(data), iter(data)
    assert list(zip(one, two, strict=True)) == [(i, i) for i in range(N)]
    assert list(iterator) == list(range(N))
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)
    iterator = iter(data)
    next(iterator)
    iterator.close()
    iterator.close()
    assert list(iterator) == []


@pytest.mark.parametrize("prefetch", MODES)
def test_an_early_end_closes_the_function(api, prefetch):
    closed = []

    def function():
        try:
            yield from itertools.count()
        finally:
            closed.append(threading.current_thread())

    for end in (lambda iterator: iterator.close(), lambda iterator: None):
        iterator = iter(api.restartable(function, prefetch=prefetch))
        next(iterator)
        end(iterator)
        del iterator
        assert len(closed) == 1
        closed.clear()
    with pytest.raises(ZeroDivisionError):
        for i in api.restartable(function, prefetch=prefetch):
            1 / i
    assert [thread is threading.current_thread() for thread in closed] == [not prefetch]
    closed.clear()
    assert list(api.restartable(function, prefetch=prefetch, length=5)) == [0, 1, 2, 3, 4]
    assert len(closed) == 1


@pytest.mark.parametrize("prefetch", MODES)
def test_what_fails_while_it_closes(api, prefetch):
    def function():
        try:
            yield from itertools.count()
        finally:
            raise OSError("cannot close")

    iterator = iter(api.restartable(function, prefetch=prefetch))
    next(iterator)
    with pytest.raises(OSError, match="cannot close"):
        iterator.close()


def test_prefetch_is_bounded(api):
    made = []

    def function():
        for i in itertools.count():
            made.append(i)
            yield i

    iterator = iter(api.restartable(function, prefetch=3))
    assert next(iterator) == 0
    deadline = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3]
    iterator.close()


def test_prefetch_drops_errors_that_nobody_reached(api):
    iterator = iter(api.restartable(failing, OSError("gone"), prefetch=9))
    assert next(iterator) == 0
    iterator.close()


@pytest.mark.parametrize("prefetch", MODES)
def test_threads_share_an_iterator(api, prefetch):
    iterator = iter(api.restartable(numbers, 2000, prefetch=prefetch))
    got = [[] for _ in range(4)]
    threads = [threading.Thread(target=mine.extend, args=(iterator,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*got)) == list(range(2000))


def test_close_wakes_a_thread_that_waits(api):
    wait = threading.Event()

    def function():
        yield 0
        wait.wait()

    data = api.restartable(function, prefetch=2)
    iterator = iter(data)
    next(iterator)
    got = []
    thread = threading.Thread(target=lambda: got.extend(iterator))
    thread.start()
    threading.Timer(0.1, wait.set).start()
    iterator.close()
    thread.join(10)
    assert not thread.is_alive()
    assert got == []
    assert data.state_dict()["position"] == 1
