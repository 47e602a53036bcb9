# SPDX-License-Identifier: MIT
"""Windows of series and contexts of tokens: against the definition, on both implementations."""

import pickle

import numpy as np
import pytest
from making import joined, same, same_batches

import fastbatch
from fastbatch import pure

pytestmark = pytest.mark.behavior

N = 61
X = np.random.default_rng(0).random((N, 3)).astype(np.float32)
Y = np.arange(N)
SHAPES = [(1, 1, 1, 0), (8, 1, 1, 0), (8, 8, 1, 0), (5, 3, 4, 2), (N, 1, 1, 0), (2, 1, N - 1, 0), (1, N, 1, N - 1)]


def windows_by_definition(x, y, length, stride, rate, horizon):
    """Return all windows and their targets in order."""
    pairs = []
    i = 0
    while i + (length - 1) * rate + horizon < len(x):
        pairs.append((x[i:][: length * rate : rate], y[i + (length - 1) * rate + horizon]))
        i += stride
    return [np.stack(part) for part in zip(*pairs, strict=True)]


@pytest.mark.parametrize("length, stride, rate, horizon", SHAPES)
def test_windows_are_those_of_the_definition(api, length, stride, rate, horizon):
    options = {"length": length, "stride": stride, "sampling_rate": rate, "horizon": horizon}
    loader = api.windows(X, Y, batch_size=7, **options)
    x, y = windows_by_definition(X, Y, length, stride, rate, horizon)
    assert loader.n_samples == len(x)
    same(joined(loader), [x, y])


@pytest.mark.parametrize("kind", ["array", "npy", "big endian", "Fortran", "backwards", "raw", "one dimension"])
@pytest.mark.parametrize("rate", [1, 3])
def test_both_implementations_agree_on_every_source(tmp_path, kind, rate):
    path = tmp_path / "series"
    data = {
        "big endian": X.astype(">f4"),
        "Fortran": np.asfortranarray(X),
        "backwards": X[::-1],
        "one dimension": X[:, 0],
    }
    array = data.get(kind, X)
    if kind == "raw":
        X.tofile(path)
    elif kind in ("npy", "big endian", "Fortran"):
        with path.open("wb") as file:
            np.save(file, array)
    batches = []
    for api in (fastbatch, pure):
        source = api.raw(path, "f4", (-1, 3)) if kind == "raw" else path if path.exists() else array
        options = {"length": 9, "stride": 2, "sampling_rate": rate, "horizon": 1, "batch_size": 5, "seed": 3}
        loader = api.windows(source, Y, shuffle=True, **options)
        batches.append(list(loader.repeat(2)))
        assert {int(i) for _, y in batches[-1] for i in y} == set(range(8 * rate + 1, N, 2))
        for x, y in batches[-1]:
            for window, last in zip(x, y - 1, strict=True):
                assert np.array_equal(window, array[last - 8 * rate : last + 1 : rate])
    same_batches(*batches)


def test_conversion_is_per_channel(api):
    mean, std = X.mean(axis=0), X.std(axis=0)
    x, _ = next(iter(api.windows(X, Y, length=4, mean=mean, std=std)))
    assert np.allclose(x[5], (X[5:9] - mean) / std, atol=1e-6)
    assert next(iter(api.windows(X, length=4, dtype="f8"))).dtype == np.float64


def test_structures_and_no_targets(api):
    batch = next(iter(api.windows({"a": X, "b": Y}, [Y, X], length=4, batch_size=2)))
    same(batch[0]["b"], np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))
    same(batch[1][0], np.array([3, 4]))
    same(batch[1][1], X[3:5])
    same(next(iter(api.windows(Y, length=3, batch_size=2))), np.array([[0, 1, 2], [1, 2, 3]]))


def test_forecasting_the_series_itself(api):
    x, y = joined(api.windows(Y, Y, length=6, horizon=2))
    assert np.array_equal(y, x[:, -1] + 2)
    assert y[-1] == N - 1


def test_windows_resume_and_shard(api):
    options = {"length": 5, "batch_size": 4, "shuffle": True, "seed": 2}
    whole = list(api.windows(X, Y, **options))
    loader = api.windows(X, Y, **options)
    for _ in zip(range(3), loader, strict=False):
        pass
    for other in (fastbatch, pure):
        resumed = other.windows(X, Y, **options)
        resumed.load_state_dict(loader.state_dict())
        same_batches(resumed, whole[3:])
    with pytest.raises(api.StateError, match="another data set"):
        api.windows(X, Y, **{**options, "length": 6}).load_state_dict(loader.state_dict())
    ranks = [joined(api.windows(X, Y, shard=(rank, 3), tail="uneven", **options))[1] for rank in range(3)]
    assert sorted(np.concatenate(ranks)) == list(range(4, N))


def test_a_file_cut_short_is_an_error(api, tmp_path):
    path = tmp_path / "series.npy"
    np.save(path, np.zeros((5000, 8)))
    loader = api.windows(path, length=16, batch_size=8)
    with path.open("r+b") as file:
        file.truncate(10000)
    with pytest.raises(api.FormatError, match=r"series\.npy.*shorter while in use"):
        list(loader)


@pytest.mark.parametrize(
    "data, options, error, message",
    [
        ((X, Y), {"length": N + 1}, ValueError, f"shorter than a window: expected at least {N + 1} rows, found {N}"),
        ((X, Y), {"length": N, "horizon": 1}, ValueError, "a window and its horizon: expected at least 62 rows"),
        ((X, Y), {"length": 2**62, "sampling_rate": 2**62}, ValueError, "shorter than a window"),
        ((X[:0],), {"length": 1}, ValueError, "expected at least 1 row, found 0"),
        ((X, Y[:-1]), {"length": 3}, ValueError, "equal length, found 61, 60 rows"),
        ((X,), {"length": 3, "horizon": 1.5}, TypeError, "horizon: expected an integer"),
        ((X,), {"length": N, "horizon": 1}, ValueError, "a window and its horizon: expected at least 62 rows"),
        ((X,), {"length": 0}, ValueError, "length: expected 1 to .*, found 0"),
        ((X,), {"length": 2.0}, TypeError, "length: expected an integer"),
        ((X,), {"length": 2, "stride": 0}, ValueError, "stride: .* found 0"),
        ((X,), {"length": 2, "sampling_rate": 0}, ValueError, "sampling_rate: .* found 0"),
        ((X, Y), {"length": 2, "horizon": -9}, ValueError, "horizon: .* found -9"),
        ((X,), {"length": 2, "batch_size": 0}, ValueError, "batch_size"),
        ((X,), {"length": 2, "colour": 1}, TypeError, "colour"),
        ((np.float32(1),), {"length": 2}, ValueError, "at least one dimension"),
        (({},), {"length": 2}, ValueError, "at least one array"),
        ((np.array([{}]),), {"length": 1}, TypeError, "Python objects"),
    ],
)
def test_bad_windows(api, data, options, error, message):
    with pytest.raises(error, match=message):
        api.windows(*data, **options)


def test_a_stride_without_a_second_window(api):
    assert [len(x) for x in api.windows(X, length=N - 1, stride=2**62)] == [1]


# ---- the user's own example ------------------------------------------------------------------------------------------


def test_time_series_dataset(api):
    dataset = api.TimeSeriesDataset(X, Y, seq_length=10)
    assert len(dataset) == N - 10 + 1
    for i, (x, y) in enumerate(dataset):
        assert np.array_equal(x, X[i : i + 10])
        assert y == Y[i + 9]
    assert np.array_equal(dataset[-1][0], X[-10:])
    for index in (len(dataset), -len(dataset) - 1):
        with pytest.raises(IndexError, match="expected an index"):
            dataset[index]
    with pytest.raises(ValueError, match="at least 62 rows, found 61"):
        api.TimeSeriesDataset(X, Y, N + 1)
    with pytest.raises(ValueError, match="a label for each of 61 rows, found 60"):
        api.TimeSeriesDataset(X, Y[1:], 5)


def test_time_series_dataset_loads_natively(api):
    loader = api.TimeSeriesDataset(X, Y, 10).loader(batch_size=8, shuffle=True)
    x, y = joined(loader)
    assert sorted(y) == list(range(9, N))
    assert np.array_equal(x[:, -1], X[y])


def test_time_series_dataset_of_files_can_be_pickled(api, tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    dataset = api.TimeSeriesDataset(tmp_path / "x.npy", tmp_path / "y.npy", 10)
    x, y = pickle.loads(pickle.dumps(dataset))[3]
    assert np.array_equal(x, X[3:13])
    assert x.flags.writeable
    assert y == 12
    assert len(list(dataset.loader(batch_size=50))) == 2
    np.savez(tmp_path / "both.npz", x=X)
    with pytest.raises(TypeError, match="expected one array, found the archive"):
        api.TimeSeriesDataset(tmp_path / "both.npz", Y, 10)


def test_time_series_dataset_in_a_torch_loader(api):
    torch_data = pytest.importorskip("torch.utils.data")
    dataset = api.TimeSeriesDataset(X, Y, seq_length=10)
    batches = list(torch_data.DataLoader(dataset, batch_size=64, shuffle=True))
    assert [tuple(x.shape) for x, _ in batches] == [(52, 10, 3)]
    assert sorted(batches[0][1].tolist()) == list(range(9, N))
