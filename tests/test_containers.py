# SPDX-License-Identifier: MIT
"""Data of other libraries: rows by position and never by label, masks never dropped, values never changed by a cast."""

import numpy as np
import pytest
from making import error_of, same

pandas = pytest.importorskip("pandas")

N = 6
BACK = list(range(N))[::-1]  # labels that are not positions
FRAME = pandas.DataFrame({"a": np.arange(float(N)), "b": 10 * np.arange(float(N))}, index=BACK)
SERIES = pandas.Series(100 * np.arange(float(N)), index=BACK)
STRANGE = SERIES.set_axis(list("xyzxyz"))


class Labelled:
    """Looks like an xarray: an array with names, whose `[]` gives another one."""

    def __init__(self, values):
        self.values = values
        self.dtype, self.shape = values.dtype, values.shape

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __getitem__(self, index):
        raise KeyError(index)


LOADERS = {
    "arrays": lambda api, x, y: api.arrays(x, y, batch_size=4),
    "shuffled": lambda api, x, y: api.arrays(x, y, batch_size=4, shuffle=True, seed=1),
    "dict": lambda api, x, y: api.arrays({"x": x, "y": y}),
    "windows": lambda api, x, y: api.windows(x, y, length=2),
    "in place": lambda api, x, y: api.windows(x, length=2, copy=False),
    "lengths": lambda api, x, y: api.windows(x, length=2, lengths=pandas.Series([2, 4], index=[1, 0])),
    "series": lambda api, x, y: api.windows(api.series([x, x]), length=2),
    "concat": lambda api, x, y: api.arrays((x, x), concat=-1),
    "weights": lambda api, x, y: api.arrays(x, weights=y, seed=2),
    "balance": lambda api, x, y: api.arrays(x, balance=y, seed=2),
    "sample_weight": lambda api, x, y: api.arrays(x, y, sample_weight=y),
    "tokens": lambda api, x, y: api.tokens(y.astype("i8") if hasattr(y, "astype") else y, context=2),
}


@pytest.mark.parametrize("name", LOADERS)
def test_rows_by_position(api, name):
    make = LOADERS[name]
    expected = list(make(api, FRAME.to_numpy(), SERIES.to_numpy()))
    for x, y in ((FRAME, SERIES), (FRAME.set_axis(list("xyzxyz")), STRANGE)):
        same(list(make(api, x, y)), expected)
    if name not in ("tokens", "weights", "balance"):
        same(list(make(api, Labelled(FRAME.to_numpy()), Labelled(SERIES.to_numpy()))), expected)


def test_statistics_by_position(api):
    np.testing.assert_array_equal(api.statistics(FRAME).mean, [2.5, 25])


LABELS = {"series": SERIES, "strange": STRANGE, "labelled": Labelled(SERIES.to_numpy()), "list": list(SERIES)}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_items_of_a_data_set_by_position(api, y):
    for x in (FRAME, FRAME.set_axis(list("xyzxyz")), Labelled(FRAME.to_numpy())):
        dataset = api.TimeSeriesDataset(x, y, 2)
        for i in range(-len(dataset), len(dataset)):
            window, label = dataset[i]
            np.testing.assert_array_equal(window, FRAME.to_numpy()[i % 5 : i % 5 + 2])
            assert label == 100 * (i % 5 + 1)


MASKED = np.ma.masked_array(np.arange(6.0), mask=[0, 1, 0, 0, 0, 0])
WHOLE = np.ma.masked_array(np.arange(6.0))
X = np.arange(6.0)


def _images(api):
    return api.arrays(np.zeros((6, 1, 1, 1)), X.astype("i8"))


MASKS = {
    "arrays": lambda api, m: api.arrays(m),
    "dict": lambda api, m: api.arrays({"x": X, "m": m}),
    "windows": lambda api, m: api.windows(m, length=2),
    "targets": lambda api, m: api.windows(X, m, length=2),
    "series": lambda api, m: api.series([X, m]),
    "statistics": lambda api, m: api.statistics(m),
    "weights": lambda api, m: api.arrays(X, weights=m),
    "balance": lambda api, m: api.arrays(X, balance=m),
    "classes": lambda api, m: api.arrays(X, m, balance="classes"),
    "mean": lambda api, m: api.arrays(np.zeros((2, 6)), mean=m),
    "lengths": lambda api, m: api.windows(np.zeros(15), length=1, lengths=m.astype("i8"), short="skip"),
    "tokens": lambda api, m: api.tokens(m.astype("i8"), context=2),
    "boundaries": lambda api, m: api.tokens(np.arange(10), context=1, boundaries=(2 * m).astype("i8")),
    "labels": lambda api, m: api.images(list("abcdef"), m),
    "boxes": lambda api, m: api.images(["a"], [0], boxes=[m[None, :4]]),
    "data set": lambda api, m: api.TimeSeriesDataset(X, m, 2),
    "resize": lambda api, m: api.resize(m.reshape(2, 3).astype("u1"), 4),
    "select": lambda api, m: api.arrays(X).select(m.astype("i8")),
    "packs": lambda api, m: api.pack(np.arange(15), context=5, lengths=m.astype("i8")[1:]),
    "documents": lambda api, m: api.documents(np.arange(15), lengths=m.astype("i8")[1:]),
    "labels of documents": lambda api, m: api.documents(np.arange(12), lengths=[2] * 6, labels=m),
    "strata": lambda api, m: api.arrays(X).split(0.5, stratify=m > 2),
    "groups": lambda api, m: api.arrays(X).split(0.5, groups=m > 2),
    "sample weights": lambda api, m: api.arrays(X, X, sample_weight=m),
    "class weights": lambda api, m: api.class_weight(m.astype("i8")),
    "mixed": lambda api, m: list(api.mixup(_images(api).map(lambda batch: (batch[0], m.astype("i8"))), n_classes=6)),
    "map": lambda api, m: list(api.arrays(X).map(lambda x: m, each="sample")),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_not_dropped(api, name):
    error = error_of(lambda: MASKS[name](api, MASKED))
    assert isinstance(error, TypeError)
    assert "expected an array without masked elements, found 1 masked; .filled(x) fills them" in str(error)
    MASKS[name](api, WHOLE)  # nothing is masked


# ---- values


@pytest.mark.parametrize("text", [b"a\0", b"\0\0", "a\0", "\0"])
def test_text_keeps_its_zeros(api, text):
    for put in (lambda t: (t, 1), lambda t: {"k": t, "n": 1}, lambda t: (t, (1, t))):
        samples = [put(text), put(text[:0] + text[:1]), put(text)]
        for batch in (
            next(iter(api.stream(iter(samples), 3))),
            next(iter(api.arrays(np.arange(3)).map(lambda i, samples=samples: samples[i], each="sample"))),
        ):
            column = batch["k"] if isinstance(batch, dict) else batch[0]
            assert column.tolist() == [text, text[:1], text]
    mixed = api.arrays(np.arange(2)).map(lambda i: (text, 1)[i], each="sample")
    assert isinstance(error_of(next, iter(mixed)), TypeError)


@pytest.mark.parametrize(
    "dtype, out_dtype, value",
    [("u2", "i2", 2**15), ("u2", "u1", 256), ("i4", "u2", -1), ("u8", "i8", 2**63), ("i4", "f4", 2**24 + 1)]
    + [("u2", "f2", 2049), ("i8", "?", 2), ("i2", "i1", -129)],
)
def test_tokens_that_the_batch_cannot_hold(api, tmp_path, dtype, out_dtype, value):
    tokens = np.zeros(300_000, dtype)
    tokens.tofile(tmp_path / "t.bin")
    assert len(api.tokens(tmp_path / "t.bin", dtype, context=8, out_dtype=out_dtype)) > 0
    for place in (0, 1023, 270_001, 299_999):
        tokens[:] = 0
        tokens[place] = value
        tokens.tofile(tmp_path / "t.bin")
        with pytest.raises(ValueError, match=f"t.bin: out_dtype: expected tokens from .* found {value} at {place}"):
            api.tokens(tmp_path / "t.bin", dtype, context=8, out_dtype=out_dtype)
    api.tokens(tmp_path / "t.bin", dtype, context=8, out_dtype=None)


def test_an_end_of_documents_that_is_not_there(api):
    with pytest.raises(ValueError, match="document_end: expected 7 among 40 tokens, found none"):
        api.tokens(np.zeros(40, "u2"), context=4, document_end=7)


def test_counts_are_not_rounded(api):
    assert isinstance(error_of(api.Vocabulary, ["a"], [1.5]), TypeError)
    assert isinstance(error_of(api.Vocabulary, ["a"], np.array([2**63], "u8")), ValueError)
    assert api.Vocabulary(["a"], [2**53 + 1]).counts.tolist() == [2**53 + 1]
    assert api.Vocabulary([], []).counts.dtype == np.int64
