# SPDX-License-Identifier: MIT
"""`Loader.progress`: the bar, the metrics and the watchdog, on every kind of loader."""

import gc
import importlib.util
import io
import logging
import operator
import sys
import threading
import weakref

import numpy as np
import pytest
from kinds import LOADERS, OTHERS, Folder, X, Y
from making import error_of, same_batches
from PIL import Image

import fastbatch

EVERY = {**LOADERS, **OTHERS}
NEEDS_TQDM = pytest.mark.skipif(importlib.util.find_spec("tqdm") is None, reason="tqdm is not installed")


@pytest.fixture(params=EVERY)
def make(api, tmp_path, request):
    """Returns a function that makes a loader of every kind."""
    return lambda: EVERY[request.param](api, Folder(tmp_path))


# ---- wrong options -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"description": 3}, "description: expected a text or None, found 3"),
        ({"metrics": "print"}, "metrics: expected a function of one dict, or None, found 'print'"),
        ({"warn_after": "1"}, "warn_after: expected seconds as a number, found '1'"),
        ({"warn_after": True}, "warn_after: expected seconds as a number, found True"),
        ({"warn_after": 0}, "warn_after: expected a positive number of seconds, found 0"),
        ({"warn_after": float("nan")}, "warn_after: expected a positive number of seconds, found nan"),
        ({"warn_after": float("inf")}, "warn_after: expected a positive number of seconds, found inf"),
        ({"every": -1.5}, "every: expected a positive number of seconds, found -1.5"),
        ({"every": None}, "every: expected seconds as a number, found None"),
    ],
)
def test_wrong_options(api, options, message):
    loader = api.arrays(X)
    assert str(error_of(loader.progress, **options, bar=False)) == message
    assert loader.epoch == 0
    assert len(list(loader)) > 0


def test_without_tqdm_the_message_names_the_extra(api, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    loader = api.arrays(X)
    error = error_of(loader.progress)
    assert 'progress() needs tqdm: pip install "fastbatch[progress]"' in str(error)
    assert len(list(loader.progress(bar=False))) == len(loader)


def test_a_closed_loader_is_refused(api):
    loader = api.arrays(X)
    loader.close()
    assert isinstance(error_of(loader.progress, bar=False), fastbatch.ClosedError)


# ---- batches and metrics -----------------------------------------------------------------------------------------


def test_the_batches_are_those_of_an_iterator(make):
    with make() as plain, make() as watched:
        same_batches(list(watched.progress(bar=False)), list(plain))


def test_the_total_is_the_length(make):
    with make() as loader:
        try:
            n = len(loader)
        except TypeError:
            n = None
        progress = loader.progress(bar=False)
        assert operator.length_hint(progress, -1) == (-1 if n is None else n)
        found = len(list(progress))
        assert n is None or (found == n and operator.length_hint(progress) == 0)


def test_the_last_metrics_are_those_of_the_whole_epoch(make):
    told = []
    with make() as loader:
        n = len(list(loader.progress(bar=False, metrics=told.append)))
        samples = loader.stats()["samples"]
    assert len(told) == 1
    assert told[0]["batches"] == n
    assert told[0]["samples"] == samples
    assert told[0]["samples_per_s"] == pytest.approx(samples / told[0]["elapsed_s"])
    assert 0 <= told[0]["waiting"] <= 1
    assert told[0].get("batches_left", 0) == 0


def test_metrics_are_told_at_intervals(api):
    told = []
    loader = api.arrays(X, batch_size=10)
    list(loader.progress(bar=False, metrics=told.append, every=1e-9))
    assert {one["epoch"] for one in told} == {0.0}
    list(loader.progress(bar=False, metrics=lambda found: told.append({}) if found["epoch"] == 1 else None))
    assert told.pop() == {}
    assert [one["batches"] for one in told[:6]] == [1, 2, 3, 4, 5, 6]
    assert [one["samples"] for one in told[:6]] == [10, 20, 30, 40, 50, 60]
    assert [one["batches_left"] for one in told[:6]] == [5, 4, 3, 2, 1, 0]


def test_an_error_of_metrics_is_the_users(api):
    def broken(found):
        raise LookupError("mine")

    loader = api.arrays(X, batch_size=10)
    with pytest.raises(LookupError, match="mine"):
        list(loader.progress(bar=False, metrics=broken, every=1e-9))


def test_an_epoch_is_resumed(api):
    loader = api.arrays(X, Y, batch_size=7, shuffle=True, seed=3)
    whole = list(loader)
    loader.set_epoch(0)
    progress = loader.progress(bar=False)
    for _ in range(3):
        next(progress)
    resumed = api.arrays(X, Y, batch_size=7, shuffle=True, seed=3)
    resumed.load_state_dict(loader.state_dict())
    rest = resumed.progress(bar=False)
    assert operator.length_hint(rest) == len(whole) - 3
    same_batches(list(rest), whole[3:])


def test_errors_of_data_come_through(api, tmp_path):
    np.save(tmp_path / "x.npy", X)
    loader = api.arrays(tmp_path / "x.npy", batch_size=10)
    progress = loader.progress(bar=False)
    next(progress)
    loader.close()
    assert isinstance(error_of(next, progress), fastbatch.ClosedError)


# ---- the bar -----------------------------------------------------------------------------------------------------


@NEEDS_TQDM
def test_tqdm_shows_the_total_of_every_kind(make):
    from tqdm import tqdm

    with make() as loader:
        bar = tqdm(loader, file=io.StringIO())
        try:
            n = len(loader)
        except TypeError:
            n = None
        assert bar.total == n
        assert len(list(bar)) > 0


@NEEDS_TQDM
def test_the_bar(api, capsys):
    loader = api.arrays(X, batch_size=10)
    list(loader.progress("epoch 0"))
    shown = capsys.readouterr().err
    assert "epoch 0: 100%" in shown
    assert "6/6" in shown
    assert "batch/s" in shown
    assert "samples/s, " in shown
    assert "% waiting" in shown


# ---- the watchdog ------------------------------------------------------------------------------------------------


class Warned(logging.Handler):
    """Keeps the messages of the logger, and lets what waits go on."""

    def __init__(self):
        super().__init__()
        self.messages, self.goes_on = [], threading.Event()

    def emit(self, record):
        self.messages.append(record.getMessage())
        self.goes_on.set()


@pytest.fixture
def warned():
    logger, handler = logging.getLogger("fastbatch"), Warned()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.mark.filterwarnings("ignore:BMP images are decoded by Pillow")
def test_a_slow_file_is_named_once(api, tmp_path, warned, monkeypatch):
    """A BMP file is decoded by Pillow, in both implementations: its reader waits until the warning is there."""
    for i in range(4):
        Image.new("RGB", (9, 9), (i, 0, 0)).save(tmp_path / f"{i}.bmp")
    opened = Image.open

    def open_slowly(file, *rest, **options):
        image = opened(file, *rest, **options)
        if image.getpixel((0, 0))[0] == 2:
            assert warned.goes_on.wait(60)
        return image

    monkeypatch.setattr(Image, "open", open_slowly)
    paths = [tmp_path / f"{i}.bmp" for i in range(4)]
    loader = api.images(paths, [0, 1, 2, 3], size=4, batch_size=1)
    assert len(list(loader.progress(bar=False, warn_after=0.05))) == 4
    assert len(warned.messages) == 1
    assert warned.messages[0].startswith("waiting for batch 2 for 0 s: decode: sample 2, ")
    assert f"{tmp_path / '2.bmp'}" in warned.messages[0]


def test_a_slow_function_is_named_with_its_line(api, warned):
    def slow():
        yield 1
        assert warned.goes_on.wait(60)
        yield 2

    assert list(api.restartable(slow).progress(bar=False, warn_after=0.05)) == [1, 2]
    (message,) = warned.messages
    assert message.startswith("waiting for batch 1 for 0 s: slow in ")
    assert f"test_progress.py, line {slow.__code__.co_firstlineno + 2}" in message


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_slow_function_is_named_also_if_a_thread_calls_it(api, warned, prefetch):
    def slowly(x):
        assert warned.goes_on.wait(60)
        return x

    def items():
        yield slowly(1)

    assert list(api.restartable(items, prefetch=prefetch).progress(bar=False, warn_after=0.05)) == [1]
    assert "slowly in " in warned.messages[0]


def test_a_slow_map_is_named(api, warned):
    def slow_map(x):
        assert warned.goes_on.wait(60)
        return x

    list(api.arrays(X, batch_size=60).map(slow_map).progress(bar=False, warn_after=0.05))
    assert "slow_map in " in warned.messages[0]


def test_the_file_of_words_is_named(api, tmp_path):
    loader = LOADERS["words"](api, Folder(tmp_path))
    batches = iter(loader)
    next(batches)
    assert loader._under_way(batches._run, batches._progress) == [f"read: {tmp_path / 'a.txt'}"]


def test_every_kind_can_be_asked_what_is_slow(make):
    from fastbatch.loader.slow import what_is_slow

    with make() as loader:
        batches = iter(loader)
        next(batches)
        assert what_is_slow(loader, batches, threading.get_ident())


def test_a_fast_loader_is_not_told_of(api, warned):
    assert len(list(api.arrays(X, batch_size=10).progress(bar=False))) == 6
    assert warned.messages == []


def test_a_loop_that_is_left_ends_its_thread(api):
    progress = api.arrays(X, batch_size=10).progress(bar=False, warn_after=1e-3)
    next(progress)
    dog = weakref.ref(progress._dog)
    stopped = progress._dog._stopped
    del progress
    gc.collect()
    assert stopped.is_set()
    for thread in threading.enumerate():
        if thread.name == "fastbatch watchdog":
            thread.join(60)
    assert dog() is None
