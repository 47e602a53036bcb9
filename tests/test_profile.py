# SPDX-License-Identifier: MIT
"""`loader.profile()`: every sample and batch is recorded, and what is written can be opened elsewhere."""

import importlib
import json
import threading
import time

import numpy as np
import pytest
from kinds import LOADERS, OTHERS, Folder

import fastbatch
from fastbatch.profile.events import DECODE, EVENT, TAKE, WAIT, Recorder

X = np.arange(300).reshape(100, 3)
Y = np.arange(100)


def of_kind(profile, kind):
    return profile.events[profile.events["kind"] == kind]


def test_wrong_options(api):
    loader = api.arrays(X, batch_size=8)
    with pytest.raises(ValueError, match="events: expected .* at least 1, found 0|events"):
        loader.profile(events=0)
    with pytest.raises(TypeError, match="events"):
        loader.profile(events="many")


def test_a_profile_is_used_once(api):
    loader = api.arrays(X, batch_size=8)
    profile = loader.profile()
    assert isinstance(profile, api.Profile)
    assert repr(profile) == "<profile: nothing recorded yet>"
    with pytest.raises(ValueError, match="nothing has been recorded"):
        profile.save("trace.json")
    with profile:
        with pytest.raises(ValueError, match="being profiled already"):
            loader.profile().__enter__()
        list(loader)
    with pytest.raises(ValueError, match="has been used"):
        profile.__enter__()
    with loader.profile() as again:
        list(loader)
    assert again.summary()["batches"] == 13


def test_other_suffixes_are_refused(api, tmp_path):
    loader = api.arrays(X, batch_size=8)
    with loader.profile() as profile:
        list(loader)
    with pytest.raises(
        ValueError, match=r"expected a name that ends in \.json, \.png, \.svg, \.pdf, found 'trace\.txt'"
    ):
        profile.save("trace.txt")
    with pytest.raises(FileNotFoundError):
        profile.save(tmp_path / "absent" / "trace.json")


def test_an_error_in_the_loop_ends_the_recording(api):
    loader = api.arrays(X, batch_size=8)
    profile = loader.profile()
    with pytest.raises(RuntimeError, match="training"), profile:
        for _ in loader:
            raise RuntimeError("training")
    assert profile.summary()["batches"] == 1
    with loader.profile() as again:
        list(loader)
    assert again.summary()["batches"] == 13


def test_every_sample_of_every_column_is_recorded(api):
    loader = api.arrays(X, Y, batch_size=8, shuffle=True, seed=3, threads=2)
    with loader.profile() as profile:
        batches = list(loader)
    assert profile.events.dtype.names == EVENT.names
    decoded = of_kind(profile, DECODE)
    for column in range(2):
        assert decoded["count"][decoded["column"] == column].sum() == 100
    taken = of_kind(profile, TAKE)
    assert taken["batch"].tolist() == list(range(len(batches)))
    assert (taken["count"] >= 1).all()
    assert (profile.events["begin_ns"] <= profile.events["end_ns"]).all()
    assert (profile.events["begin_ns"] >= profile.begin_ns).all()
    facts = profile.summary()
    assert (facts["batches"], facts["samples"]) == (13, 100)
    assert set(facts["stages"]) >= {"array 0", "array 1"}
    assert 0 <= facts["busy_share"] <= 1
    assert [name for name, *_ in profile.spans] == ["next"] * 13


def test_profiled_batches_are_the_same(api):
    def make():
        return api.arrays(X, Y, batch_size=7, shuffle=True, seed=1).map(lambda batch: (batch[0] * 2, batch[1]))

    plain, loader = make(), make()
    with loader.profile() as profile:
        for (x, y), (px, py) in zip(loader, plain, strict=True):
            assert np.array_equal(x, px)
            assert np.array_equal(y, py)
    assert loader.state_dict() == plain.state_dict()
    assert [name for name, *_ in profile.spans].count("map") == 15
    assert "map" in profile.summary()["stages"]


def test_a_consumer_that_makes_batches_does_not_wait_meanwhile(api):
    loader = api.arrays(X, Y, batch_size=1, threads=2, shuffle=True)
    with loader.profile() as profile:
        for _ in loader.repeat(20):
            pass
    by_consumer = profile.events[profile.events["thread"] == profile.threads]
    waits = by_consumer[by_consumer["kind"] == WAIT]
    for made in by_consumer[by_consumer["kind"] == DECODE]:
        assert not ((waits["begin_ns"] < made["end_ns"]) & (made["begin_ns"] < waits["end_ns"])).any()


def test_only_the_latest_spans_are_kept(api, monkeypatch):
    monkeypatch.setattr(importlib.import_module("fastbatch.profile.profile"), "MAX_SPANS", 10)
    loader = api.arrays(X, batch_size=8)
    with loader.profile() as profile:
        list(loader)
    assert [number for _, _, _, number in profile.spans] == list(range(4, 14))


def test_only_the_latest_events_are_kept(api):
    loader = api.arrays(X, Y, batch_size=1, threads=1)
    with loader.profile(events=10) as profile:
        list(loader)
    assert profile.overwritten > 0
    taken = of_kind(profile, TAKE)["batch"]
    assert len(taken) <= 10
    assert taken[-1] == 99
    assert "older events were overwritten" in repr(profile)


def test_nothing_is_recorded_afterwards(api):
    loader = api.arrays(X, batch_size=8)
    with loader.profile() as profile:
        next(iter(loader))
    n = len(profile.events), len(profile.spans)
    list(loader)
    assert (len(profile.events), len(profile.spans)) == n
    assert type(iter(loader)).__name__ == "Epoch"


def test_copies_are_not_profiled(api):
    loader = api.arrays(X, batch_size=8)
    with loader.profile() as profile:
        list(loader.take(2))
    assert profile.summary()["batches"] == 0


def test_waiting_is_recorded():
    loader = fastbatch.arrays(X, batch_size=8, threads=1).map(lambda x: time.sleep(0.002) or x)
    with loader.profile() as profile:
        list(loader)
    facts = profile.summary()
    assert facts["next_share"] > 0.5  # map runs there
    assert facts["stages"]["map"] > 13 * 0.002
    assert of_kind(profile, WAIT)["thread"].tolist() == [1] * len(of_kind(profile, WAIT))


def test_slow_files_are_named(api, photos):
    loader = api.images(photos, size=16, batch_size=4)
    with loader.profile() as profile:
        list(loader)
    slowest = profile.summary()["slowest"]
    assert {one["name"] for one in slowest} <= set(loader.paths)
    times = [one["seconds"] for one in slowest]
    assert times == sorted(times, reverse=True)
    assert times[0] > 0


@pytest.mark.parametrize("name", {**LOADERS, **OTHERS})
def test_every_kind_of_loader_is_profiled(name, api, tmp_path):
    loader = {**LOADERS, **OTHERS}[name](api, Folder(tmp_path))
    with loader.profile() as profile:
        n = sum(1 for _ in loader)
    facts = profile.summary()
    assert facts["batches"] == n > 0
    profile.save(tmp_path / "trace.json")
    entries = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert sum(entry["name"] == "next" for entry in entries) == n


def test_the_trace_is_in_the_trace_event_format(api, tmp_path, photos):
    """Complete (X), counter (C) and metadata (M) events, in microseconds."""
    loader = api.images(photos, size=16, batch_size=4)
    with loader.profile() as profile:
        list(loader)
    profile.save(tmp_path / "trace.json")
    content = json.loads((tmp_path / "trace.json").read_text())
    threads = {e["tid"] for e in content["traceEvents"] if e["name"] == "thread_name"}
    for entry in content["traceEvents"]:
        assert entry["ph"] in "XCM"
        assert entry["pid"] == 1
        if entry["ph"] == "X":
            assert entry["tid"] in threads
            assert entry["dur"] >= 0 <= entry["ts"]
            assert entry["ts"] + entry["dur"] <= profile.elapsed_s * 1e6 + 1
        if entry["ph"] == "C":
            assert entry["args"]["ready"] >= 1
    named = [e["args"].get("name") for e in content["traceEvents"] if e["name"] == "image"]
    assert set(loader.paths) == set(named)


def test_the_picture(api, tmp_path):
    pytest.importorskip("matplotlib")
    loader = api.arrays(X, Y, batch_size=8).map(lambda batch: batch)
    with loader.profile() as profile:
        list(loader)
    for suffix, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")):
        profile.save(tmp_path / f"profile{suffix}")
        assert (tmp_path / f"profile{suffix}").read_bytes().startswith(magic)


def test_recording_while_other_threads_read():
    loader = fastbatch.arrays(X, Y, batch_size=2, threads=3)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            list(loader)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            with loader.profile(events=50) as profile:
                list(loader)
            assert len(profile.events) <= 50 * 4
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_the_recorder_keeps_the_latest_in_order():
    recorder = Recorder(3)
    for batch in range(5):
        recorder.add(TAKE, time.monotonic_ns(), batch=batch)
    events, overwritten = recorder.events()
    assert events["batch"].tolist() == [2, 3, 4]
    assert overwritten == 2
    assert Recorder(0).events()[0].tolist() == []
