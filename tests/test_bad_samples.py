# SPDX-License-Identifier: MIT
"""Bad samples, skipped or replaced: the same ones for any number of threads, and all of them reported."""

import sys
import threading

import numpy as np
import pytest
from making import error_of, jpeg, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.errors import DecodeError
from fastbatch.loader import bad_samples as report

N = 40
BAD = {0, 3, 11, 20, 21, 22, 23, 39}  # 20 to 23 are a whole batch of four, in order


@pytest.fixture
def mixed(tmp_path):
    """Forty image files, eight of them bad: HTML, a truncated JPEG, an empty file, a folder, a dangling link."""
    files = [tmp_path / f"{i:02}.jpg" for i in range(N)]
    for i, file in enumerate(files):
        file.write_bytes(jpeg((30 + i, 40)))
    files[0].write_bytes(b"<!DOCTYPE html><html>404</html>")
    files[3].write_bytes(jpeg()[:300])
    files[11].unlink()
    files[20].write_bytes(b"")
    files[21].unlink()
    files[21].mkdir()
    files[22].unlink()
    files[22].symlink_to(tmp_path / "nowhere")
    files[23].write_bytes(b"\x89PNG\r\n\x1a\n")
    files[39].write_bytes(b"\xff\xd8\xff")
    return files


def make(api, files, **options):
    options = {"size": 8, "batch_size": 4, "flip": True, "seed": 6, **options}
    return api.images(files, range(len(files)), **options)


def order_of(api, **options):
    return [int(i) for batch in api.arrays(np.arange(N), batch_size=4, seed=6, **options) for i in batch]


@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"shuffle": True, "shard": (1, 3)}])
def test_skipped_samples_are_left_out(api, mixed, options):
    loader = make(api, mixed, on_error="skip", **options)
    order = order_of(api, **options)
    batches = list(loader)
    expected = [[i for i in order[k : k + 4] if i not in BAD] for k in range(0, len(order), 4)]
    assert [y.tolist() for _, y in batches] == [batch for batch in expected if batch]
    assert all(len(x) == len(y) and x.flags.c_contiguous for x, y in batches)
    assert [record.sample for record in loader.report()] == [i for i in order if i in BAD]
    assert loader.stats()["bad_samples"] == len(loader.report())
    assert loader.stats()["samples"] == sum(map(len, expected))
    assert len(loader) == len(expected)


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("options", [{}, {"shuffle": True}])
def test_both_implementations_agree(mixed, on_error, options):
    options = {**options, "exact": True}
    expected = make(pure, mixed, on_error=on_error, **options)
    epochs = [list(expected) for _ in range(2)]
    for threads in (1, 2, 8):
        loader = make(fastbatch, mixed, on_error=on_error, threads=threads, **options)
        for epoch in epochs:
            same_batches(loader, epoch)

        def facts(loader):
            return [(bad.path, bad.sample, bad.epoch, bad.replaced_by) for bad in loader.report()]

        assert facts(loader) == facts(expected)


def test_the_report_says_where_and_what(api, mixed):
    loader = make(api, mixed, on_error="skip")
    list(loader.repeat(2))
    records = loader.report()
    assert [(bad.epoch, bad.sample, bad.path) for bad in records] == [
        (epoch, i, str(mixed[i])) for epoch in range(2) for i in sorted(BAD)
    ]
    reasons = {bad.sample: bad.reason for bad in records}
    assert "expected JPEG" in reasons[0]
    assert reasons[3].startswith("JPEG ends early")
    assert (reasons[11], reasons[22]) == ("No such file or directory",) * 2
    assert "an empty file" in reasons[20]
    assert reasons[21] == "Is a directory"
    assert make(api, mixed, on_error="skip").report() == []


def test_replaced_samples_have_stand_ins(api, mixed):
    loader = make(api, mixed, on_error="replace", shuffle=True)
    order = order_of(api, shuffle=True)
    batches = list(loader)
    stand_ins = {bad.sample: bad.replaced_by for bad in loader.report()}
    assert set(stand_ins) == BAD
    assert not BAD & set(stand_ins.values())
    assert [i for _, y in batches for i in y.tolist()] == [stand_ins.get(i, i) for i in order]
    alone = {int(y[0]): x for x, y in make(api, mixed, on_error="skip", batch_size=1)}
    for x, y in batches:
        for image, i in zip(x, y.tolist(), strict=True):
            assert np.array_equal(image, alone[i][0])
    list(loader)
    assert {bad.sample: bad.replaced_by for bad in loader.report() if bad.epoch} != stand_ins  # drawn again


def test_stand_ins_come_from_the_same_part(api, mixed):
    train, held_out = make(api, mixed, on_error="replace", shuffle=True).split(0.4, seed=2)
    parts = [{int(i) for _, y in part for i in y} for part in (train, held_out)]
    assert not parts[0] & parts[1]
    assert train.report()
    assert held_out.report()


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("max_bad", [3, 0.09])
def test_the_budget(api, mixed, on_error, threads, max_bad):
    loader = make(api, mixed, on_error=on_error, max_bad=max_bad, threads=threads)
    iterator = iter(loader)
    labels = [next(iterator)[1].tolist() for _ in range(5)]
    assert sum(map(len, labels)) == 20 - 3 * (on_error == "skip")
    error = error_of(next, iterator)
    assert (type(error), error.sample, error.path) == (DecodeError, 20, str(mixed[20]))
    if hasattr(error, "__notes__"):
        assert error.__notes__ == [f"fastbatch: one bad sample more than max_bad={max_bad}"]
    with pytest.raises(StopIteration):
        next(iterator)
    assert [bad.sample for bad in loader.report()] == [0, 3, 11, 20]
    assert loader.state_dict()["position"] == 20
    assert error_of(list, loader).sample == 20  # each epoch has its own allowance
    assert error_of(list, make(api, mixed, on_error=on_error, max_bad=0)).sample == 0


def test_the_budget_may_be_an_os_error(api, mixed):
    error = error_of(list, make(api, mixed, on_error="skip", max_bad=2))
    assert (type(error), error.filename) == (FileNotFoundError, str(mixed[11]))


def test_a_resume_goes_on_behind_what_was_skipped(api, mixed):
    def labels(loader):
        return [y.tolist() for _, y in loader]

    whole = labels(make(api, mixed, on_error="skip"))
    loader = make(api, mixed, on_error="skip")
    iterator = iter(loader)
    begun = [next(iterator)[1].tolist() for _ in range(5)]
    state = loader.state_dict()
    assert state["position"] == 20
    resumed = make(api, mixed, on_error="skip", threads=3)
    resumed.load_state_dict(state)
    assert begun + labels(resumed) == whole
    assert [bad.sample for bad in resumed.report()] == [20, 21, 22, 23, 39]


@pytest.fixture
def frequent_switches():
    """Let threads take turns so often that a batch out of turn would be noticed."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_share_the_budget_in_order(api, mixed, frequent_switches):
    for _ in range(5):
        loader = make(api, mixed, on_error="skip", max_bad=5, batch_size=2, threads=4)
        iterator = iter(loader)
        errors = []

        def consume(iterator=iterator, errors=errors):
            try:
                for _ in iterator:
                    pass
            except OSError as error:
                errors.append(error.filename)

        threads = [threading.Thread(target=consume) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == [str(mixed[22])]
        assert [bad.sample for bad in loader.report()] == [0, 3, 11, 20, 21, 22]


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_a_folder_of_nothing_but_bad_files(api, tmp_path, on_error):
    files = [tmp_path / f"{i}.jpg" for i in range(9)]
    for file in files:
        file.write_bytes(b"broken")
    loader = make(api, files, on_error=on_error)
    if on_error == "skip":
        assert list(loader) == []
        assert len(loader.report()) == 9
        assert loader.epoch == 1
    else:
        assert error_of(list, loader).sample == 0


def test_batches_of_the_user_are_not_touched(api, mixed):
    kept = list(make(api, mixed, on_error="skip").repeat(3))
    copies = [(x.copy(), y.copy()) for x, y in kept]
    list(make(api, mixed, on_error="skip").repeat(3))
    same_batches(kept, copies)


def test_arrays_that_lose_their_file(api, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(40_000.0).reshape(1000, 40))
    loader = api.arrays(path, np.arange(1000), batch_size=100, on_error="skip", prefetch=1)
    with open(path, "r+b") as file:
        file.truncate(4096 * 20)  # 255 complete rows
    kept = [int(i) for _, y in loader for i in y]
    bad = [record.sample for record in loader.report()]
    assert sorted(kept + bad) == list(range(1000))
    assert bad == list(range(len(kept), 1000))
    assert len(kept) <= 256
    assert {record.path for record in loader.report()} == {str(path)}


def test_tokens_that_lose_their_file(api, tmp_path):
    path = tmp_path / "train.bin"
    np.arange(40_001, dtype=np.uint16).tofile(path)
    loader = api.tokens(path, "uint16", context=40, batch_size=100, on_error="skip", prefetch=1)
    with open(path, "r+b") as file:
        file.truncate(4096 * 10)  # 511 contexts, and one that lacks its last target
    kept = [(x, y) for batch in loader for x, y in zip(*batch, strict=True)]
    bad = [record.sample for record in loader.report()]
    assert bad == list(range(len(kept), 1000))
    assert len(kept) <= 511
    assert all(x[0] == 40 * i and (y == x + 1).all() for i, (x, y) in enumerate(kept))
    assert {record.path for record in loader.report()} == {str(path)}


def test_the_reports_memory_is_bounded(monkeypatch, api, mixed):
    monkeypatch.setattr(report, "MAX_RECORDS", 10)
    loader = make(api, mixed, on_error="skip")
    list(loader.repeat(3))
    assert [bad.epoch for bad in loader.report()] == [0] * 8 + [1] * 2
    assert loader.stats()["bad_samples"] == 24


def test_bad_options(api):
    bad = [
        ({"on_error": "ignore"}, ValueError, "on_error: expected one of raise, skip, replace, found 'ignore'"),
        ({"max_bad": 3}, ValueError, "max_bad: only valid with on_error='skip' or 'replace'"),
        ({"on_error": "skip", "max_bad": -1}, ValueError, "max_bad: expected at least 0, found -1"),
        ({"on_error": "skip", "max_bad": 1.5}, ValueError, "max_bad: expected a share from 0 to 1 or a number"),
        ({"on_error": "skip", "max_bad": "1"}, TypeError, "max_bad: expected an integer, found '1'"),
        ({"on_error": "skip", "max_bad": True}, TypeError, "max_bad"),
    ]
    for options, error, message in bad:
        with pytest.raises(error, match=message):
            api.arrays(np.arange(3), **options)
