# SPDX-License-Identifier: MIT
"""Several series, normalised windows and zero-copy windows: against the definition, on both implementations."""

import gc
import pickle

import numpy as np
import pytest
from making import joined, same, same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

RNG = np.random.default_rng(3)
LENGTHS = [20, 7, 33, 12]
MANY = [RNG.random((n, 3)).astype(np.float32) * 9 - 4 for n in LENGTHS]
X = np.concatenate(MANY)
Y = np.arange(len(X))
STARTS = np.cumsum(LENGTHS) - LENGTHS


def rows_of(length, stride=1, rate=1, reach=0):
    """Return the rows of every window, series by series."""
    last = (length - 1) * rate
    firsts = [s + i for s, n in zip(STARTS, LENGTHS, strict=True) for i in range(0, n - last - reach, stride)]
    return np.array(firsts)[:, None] + np.arange(length) * rate


@pytest.fixture(params=["lengths", "arrays", "npy", "mixed"])
def many(request, tmp_path):
    """Return a function that makes (data, targets, options) for an implementation."""

    def make(api):
        if request.param == "lengths":
            return X, Y, {"lengths": LENGTHS}
        labels = [Y[s : s + n] for s, n in zip(STARTS, LENGTHS, strict=True)]
        parts = list(MANY)
        if request.param == "mixed":
            parts[1], parts[2] = np.asfortranarray(parts[1]), np.repeat(parts[2], 2, axis=0)[::2]
        if request.param in ("npy", "mixed"):
            for i in range(0, len(parts), 1 if request.param == "npy" else 3):
                np.save(tmp_path / f"{i}.npy", parts[i])
                parts[i] = tmp_path / f"{i}.npy"
        return api.series(parts), api.series(labels), {}

    return make


@pytest.mark.parametrize("length, stride, rate, horizon", [(7, 1, 1, 0), (3, 2, 2, 1), (1, 1, 1, 0), (4, 5, 1, 3)])
def test_no_window_crosses_into_another_series(api, many, length, stride, rate, horizon):
    data, targets, options = many(api)
    rows = rows_of(length, stride, rate, horizon)
    options.update(length=length, stride=stride, sampling_rate=rate, horizon=horizon)
    loader = api.windows(data, targets, batch_size=5, **options)
    assert loader.n_samples == len(rows)
    same(joined(loader), [X[rows], rows[:, -1] + horizon])


def test_both_implementations_agree_on_many_series(many):
    options = {"length": 5, "shuffle": True, "seed": 8, "batch_size": 4, "shard": (1, 2), "normalize": "window"}
    batches, states = [], []
    for api in (fastbatch, pure):
        data, targets, more = many(api)
        loader = api.windows(data, targets, **options, **more)
        batches.append(list(loader.repeat(2)))
        states.append(loader.state_dict())
    same_batches(*batches)
    assert states[0] == states[1]


def test_loaders_of_many_series_can_be_pickled(api, many):
    data, targets, options = many(api)
    loader = api.windows(data, targets, length=5, batch_size=4, shuffle=True, **options)
    content = pickle.dumps(loader)
    assert len(content) < 8 * X.nbytes  # windows are not copied
    same_batches(pickle.loads(content), loader)


def test_short_series_are_an_error_or_left_out(api, many):
    data, targets, options = many(api)
    with pytest.raises(ValueError, match="series 1 is shorter than a window: expected at least 9 rows, found 7; "):
        api.windows(data, targets, length=9, **options)
    x, y = joined(api.windows(data, targets, length=9, short="skip", **options))
    assert set(y) == {int(s) + i for s, n in zip(STARTS, LENGTHS, strict=True) for i in range(8, n)}
    assert np.array_equal(x[:, -1], X[y])
    with pytest.raises(ValueError, match="a window: expected at least 34 rows, found none longer than 33"):
        api.windows(data, targets, length=34, short="skip", **options)


def test_series_are_rows_too(api, tmp_path):
    np.save(tmp_path / "a.npy", X[:30])
    rows = api.series([tmp_path / "a.npy", X[30:]])
    assert (len(rows), rows.shape, rows.lengths) == (72, (72, 3), [30, 42])
    same(joined(api.arrays(rows, Y, batch_size=50, shuffle=True))[0], X[joined(api.arrays(Y, Y, shuffle=True))[0]])
    assert np.array_equal(rows[-1], X[-1])
    assert np.array_equal(rows[28:32], X[28:32])
    same(pickle.loads(pickle.dumps(api.series(MANY)))[5:9], X[5:9])
    assert "Series(2 of 72 rows" in repr(rows)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda api: api.series([]), ValueError, "at least one series"),
        (lambda api: api.series("x.npy"), TypeError, "expected a list of arrays or paths, found str"),
        (lambda api: api.series(X), TypeError, "expected a list of arrays or paths, found ndarray"),
        (
            lambda api: api.series([X, X[:, :2]]),
            ValueError,
            r"series 1: .* of shape \(3,\), .* \(2,\)",
        ),
        (lambda api: api.series([X, X.astype("f8")]), ValueError, "series 1: .* found float64 rows"),
        (lambda api: api.windows(api.series(MANY), Y, length=2), ValueError, "series of data and targets alike"),
        (lambda api: api.arrays([api.series(MANY), X], concat=-1), TypeError, "concat: expected arrays, found series"),
        (lambda api: api.windows(X, lengths=[70, 3], length=2), ValueError, "that make 72 rows, found 73"),
        (lambda api: api.windows(X, lengths=[74, -2], length=2), ValueError, "lengths: expected numbers from 0 on"),
        (lambda api: api.windows(X, lengths=[72.0], length=2), TypeError, "lengths: expected integers"),
        (lambda api: api.windows(X, lengths=LENGTHS, length=2, start_index=1), ValueError, "a single series only"),
        (
            lambda api: api.windows(api.series(MANY), lengths=LENGTHS, length=2),
            ValueError,
            "lengths: only valid for series in one array",
        ),
        (lambda api: api.windows(X, length=2, short="drop"), ValueError, "short: expected 'raise' or 'skip'"),
        (lambda api: api.windows(X, length=2, start_index=73), ValueError, "start_index: expected 0 to 72, found 73"),
        (lambda api: api.windows(X, length=2, start_index=9, end_index=8), ValueError, "end_index: expected 9 to 72"),
        (lambda api: api.windows(X, length=5, end_index=4), ValueError, "expected at least 5 rows, found 4"),
        (lambda api: api.windows(X, length=2, target_length=0), ValueError, "target_length: expected 1 to"),
        (lambda api: api.windows(X, Y, length=2, horizon=-2), ValueError, "horizon: expected -1 to"),
    ],
)
def test_bad_series(api, make, error, message):
    with pytest.raises(error, match=message):
        make(api)


def test_a_file_of_many_cut_short_is_an_error(api, tmp_path):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.zeros((4000, 8)))
    loader = api.windows(api.series([tmp_path / "a.npy", tmp_path / "b.npy"]), length=16, batch_size=8, shuffle=True)
    with (tmp_path / "b.npy").open("r+b") as file:
        file.truncate(10000)
    with pytest.raises(api.FormatError, match=r"b\.npy.*shorter while in use"):
        list(loader)


# ---- rows and targets ------------------------------------------------------------------------------------------------


def test_only_the_rows_asked_for(api):
    x, y = joined(api.windows(X, Y, length=4, start_index=10, end_index=31, horizon=1, stride=3))
    whole = joined(api.windows(X[10:31], Y[10:31], length=4, horizon=1, stride=3))
    same([x, y], whole)


def test_targets_of_several_rows_and_of_the_first_row(api):
    x, y = joined(api.windows(Y, Y, length=4, sampling_rate=2, horizon=1, target_length=3))
    assert np.array_equal(y, x[:, -1:] + np.arange(1, 4))
    assert y[-1, -1] == len(Y) - 1
    x, y = joined(api.windows(Y, Y, length=4, sampling_rate=2, horizon=-6))
    assert np.array_equal(y, x[:, 0])
    assert x[-1, -1] == len(Y) - 1


# ---- normalised ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", ">f8", "f2", "?"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (11,), (2, 3)])
def test_each_window_is_standardised_by_itself(dtype, shape):
    data = (np.random.default_rng(5).random((40, *shape)) * 200).astype(dtype)
    batches = [list(api.windows(data, length=9, stride=2, normalize="window")) for api in (fastbatch, pure)]
    same_batches(*batches)
    x = np.concatenate(batches[0])
    assert x.dtype == np.float32
    for i, window in enumerate(x):
        expected = data[2 * i : 2 * i + 9].astype("f8")
        std = np.maximum(expected.std(0), 1e-8)
        assert np.allclose(window, (expected - expected.mean(0)) / std, atol=1e-5)


def test_a_constant_window_becomes_zero_and_nan_stays(api):
    data = np.full((8, 2), 1e9 / 3)
    data[5, 1] = np.nan
    x = next(iter(api.windows(data, length=4, normalize="window", dtype="f8")))
    assert x.dtype == np.float64
    assert np.array_equal(x[0], np.zeros((4, 2)))
    assert np.array_equal(x[2, :, 0], np.zeros(4))
    assert np.isnan(x[2, :, 1]).all()


@pytest.mark.parametrize("dtype", ["f4", "i2", ">f8"])
@pytest.mark.parametrize("shape", [(), (3,), (9,)])
def test_statistics(dtype, shape, tmp_path):
    data = (np.random.default_rng(6).normal(50, 9, (5000, *shape))).astype(dtype)
    np.save(tmp_path / "x.npy", data)
    for source, options in ((data, {}), (tmp_path / "x.npy", {"start": 7, "stop": 4321})):
        found = [api.statistics(source, **options) for api in (fastbatch, pure)]
        rows = data[options.get("start", 0) : options.get("stop")].astype("f8")
        assert found[0].n == len(rows)
        for one in found:
            assert np.allclose(one.mean, rows.mean(0), rtol=1e-12)
            assert np.allclose(one.std, rows.std(0), rtol=1e-10)
        assert found[0].mean.tobytes() == found[1].mean.tobytes()
        assert found[0].std.tobytes() == found[1].std.tobytes()


def test_train_statistics_normalise_all(api):
    data = np.concatenate([X, np.full((len(X), 1), 7, np.float32)], axis=1)
    seen = api.statistics(data, stop=50)
    x = next(iter(api.windows(data, length=4, normalize=seen)))
    assert np.allclose(x[..., :3][5], (X[5:9] - X[:50].mean(0)) / X[:50].std(0), atol=1e-5)
    assert (x[..., 3] == 0).all()  # a constant channel
    assert seen.std[3] == 0
    parts = api.statistics(api.series([data[:20], data[20:]]), start=5, stop=60)
    assert np.allclose(parts.mean, data[5:60].mean(0))
    x = next(iter(api.windows(Y, length=3, normalize=api.statistics(Y))))
    assert np.allclose(x[1, 2], (3 - Y.mean()) / Y.std(), atol=1e-6)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda api: api.windows(X, length=2, normalize="train"), ValueError, "normalize: expected 'window', what"),
        (
            lambda api: api.windows(X, length=2, normalize="window", mean=1),
            ValueError,
            "no scale, mean or std",
        ),
        (
            lambda api: api.windows(X, length=2, normalize="window", dtype="i4"),
            ValueError,
            "expected float32 or float64",
        ),
        (lambda api: api.windows(X + 1j, length=2, normalize="window"), TypeError, "cannot be standardized"),
        (lambda api: api.statistics(X[:0]), ValueError, "expected rows, found none from 0 to 0"),
        (lambda api: api.statistics(X, start=5, stop=5), ValueError, "found none from 5 to 5"),
        (lambda api: api.statistics(X, stop=99), ValueError, "stop: expected 0 to 72, found 99"),
        (lambda api: api.statistics(X[:, :0]), ValueError, "rows with elements"),
        (lambda api: api.statistics(X.astype("S3")), TypeError, "expected numbers, found elements of type"),
    ],
)
def test_bad_normalisation(api, call, error, message):
    with pytest.raises(error, match=message):
        call(api)


# ---- zero copy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"shard": (1, 3)}, {"shard": (2, 5)}, {"drop_last": True}])
def test_windows_in_place(api, options):
    data = X.copy()
    copied = api.windows(data, Y, length=6, batch_size=7, **options)
    viewing = api.windows(data, Y, length=6, batch_size=7, copy=False, **options)
    batches = list(viewing)
    same_batches(batches, copied)
    x = batches[0][0]
    assert np.shares_memory(x, data)
    assert not x.flags.writeable
    data[:] = 0
    assert (x == 0).all()
    del data, viewing, copied, batches
    gc.collect()
    assert (x == 0).all()  # the view keeps the array alive


def test_windows_in_place_resume_split_and_close(api):
    options = {"length": 6, "batch_size": 7}
    viewing = api.windows(X, Y, copy=False, **options)
    next(iter(viewing))
    other = api.windows(X, Y, **options)
    other.load_state_dict(viewing.state_dict())
    same_batches(list(viewing)[1:], other)
    train, held_out = viewing.split(0.2, shuffle=False)
    assert np.shares_memory(next(iter(held_out))[0], X)
    assert len(np.concatenate([y for _, y in [*train, *held_out]])) == viewing.n_samples
    assert viewing.stats()["batches"] > 0
    iterator = iter(viewing)
    viewing.close()
    with pytest.raises(api.ClosedError):
        next(iterator)


@pytest.mark.parametrize(
    "data, options, message",
    [
        (X, {"shuffle": True}, "in its own order, found many, or shuffle"),
        (X, {"lengths": LENGTHS}, "expected one series"),
        (X, {"dtype": "f8"}, "no conversion"),
        (X, {"normalize": "window"}, "no conversion"),
        (X.astype(">f4"), {}, "another byte order"),
        ([1.0, 2.0, 3.0], {}, None),
    ],
)
def test_what_cannot_be_viewed(api, data, options, message):
    if message is None:
        assert next(iter(api.windows(data, length=2, copy=False, **options))).shape == (2, 2)
        return
    with pytest.raises(ValueError, match=message):
        api.windows(data, length=2, copy=False, **options)


def test_a_file_cannot_be_viewed(api, tmp_path):
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(ValueError, match="expected arrays in memory"):
        api.windows(tmp_path / "x.npy", length=2, copy=False)
