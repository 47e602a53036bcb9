# SPDX-License-Identifier: MIT
"""Integers beyond 2**53, and fillers of nulls: kept as they are, or refused; NumPy and Arrow would change them."""

import io
import tarfile

import numpy as np
import pytest

LARGE = 2**63 + 1  # int64 does not hold it, and float64 has only its neighbours
ODD = 2**53 + 1  # the first integer that float64 does not hold


def test_integers_of_python_remain_integers(api):
    (batch,) = api.arrays([LARGE, 1])
    assert batch.dtype == np.uint64 and batch.tolist() == [LARGE, 1]
    (batch,) = api.arrays([2**60, 0.5])  # which float64 holds
    assert batch.tolist() == [float(2**60), 0.5]


@pytest.mark.parametrize("numbers", [[LARGE, -1], [ODD, 0.5], [10**400, 0.5]], ids=["sign", "float", "huge"])
def test_integers_that_no_type_holds_beside_the_others(api, numbers):
    with pytest.raises((ValueError, TypeError), match=r"would round|Python objects"):
        api.arrays(numbers)


def test_samples_with_large_integers_are_stacked_as_they_are(api):
    (batch,) = api.stream([{"id": LARGE}, {"id": 1}], batch_size=2)
    assert batch["id"].tolist() == [LARGE, 1]
    (batch,) = api.arrays([0, LARGE], batch_size=2).map(lambda x: int(x) or 7, each="sample")
    assert batch.tolist() == [7, LARGE]
    (batch,) = api.stream([1, 0.5], batch_size=2)
    assert batch.tolist() == [1, 0.5]
    for samples in ([LARGE, -1], [ODD, 0.5], [np.array([LARGE]), np.array([-1])]):
        with pytest.raises(ValueError, match="would round"):
            list(api.stream(samples, batch_size=2))


def tar_of(path, members):
    """Write an archive of texts and return its path."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return path


def test_labels_of_images_are_not_rounded(api, tmp_path):
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for labels in ([ODD, 0.5], [LARGE, -1], [[ODD, 0.5], [1, 2]]):
        with pytest.raises(ValueError, match=r"labels: expected numbers that one type holds, found \d+"):
            api.images(paths, labels)
    members = {"a.jpg": "", "a.json": f'{{"id": {LARGE}}}', "b.jpg": "", "b.json": '{"id": 2}'}
    with pytest.raises(ValueError, match=f"labels: sample 0: expected a whole number, found {LARGE}"):
        api.images(tar_of(tmp_path / "images.tar", members), labels=".json:id")


def test_a_label_without_text_is_no_class(api, tmp_path):
    path = tar_of(tmp_path / "images.tar", {"a.jpg": "", "a.cls": " \n", "b.jpg": "", "b.cls": "cat"})
    with pytest.raises(api.FormatError, match=r"images.tar: a.cls: no label: expected text, found an empty member"):
        api.images(path)


def test_numbers_of_archives_with_large_integers(api, tmp_path):
    members = {"a.cls": str(LARGE), "a.id": "3", "b.cls": "2", "b.id": str(2**64)}
    path = tar_of(tmp_path / "labels.tar", members)
    (batch,) = api.tar(path, decode={"id": int})
    assert batch["cls"].dtype == np.uint64 and batch["cls"].tolist() == [LARGE, 2]
    assert batch["id"] == [3, 2**64]  # a list, as all that is no number of NumPy's


def frames():
    """Return frames with integers that float64 does not hold, by library."""
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    columns = {"id": [ODD, 1], "x": [0.5, 1.5]}
    return {
        "pandas": pandas.DataFrame(columns),
        "series": pandas.Series([ODD, None], dtype="Int64"),
        "pyarrow": arrow.table(columns),
        "polars": polars.DataFrame(columns),
    }


@pytest.mark.parametrize("library", ["pandas", "series", "pyarrow", "polars"])
def test_columns_of_one_array_are_not_rounded(api, library):
    frame = frames()[library]
    with pytest.raises(ValueError, match=rf"{ODD}, which float64 would round"):
        api.arrays(frame)
    exact = frame - 1 if library in ("pandas", "series") else None
    if exact is not None:
        assert next(iter(api.arrays(exact))).ravel()[0] == ODD - 1


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ([1, None], 0.5),
        ([1, None], np.float32(1.5)),
        (["a", None], {"column": None}),
        ([1.5, None], {"column": None}),
        ([[1], None], {"column": [0.5]}),
        ([[1], None], {"column": [None]}),
    ],
    ids=str,
)
def test_a_filler_is_not_changed(api, values, missing):
    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="missing: column 'column': expected a value of type"):
        api.table(arrow.table({"column": values}), missing=missing)


def test_a_filler_may_be_rounded_but_not_infinite(api):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"column": arrow.array([1, None], arrow.float32())})
    assert next(iter(api.table(table, missing=0.1)))["column"].tolist() == [1, np.float32(0.1)]
    assert next(iter(api.table(table, missing=np.inf)))["column"].tolist() == [1, np.inf]
    with pytest.raises(ValueError, match=r"expected a value of type float, found 1e\+300"):
        api.table(table, missing=1e300)


def test_a_null_among_the_names_of_a_dictionary_is_a_null(api):
    arrow = pytest.importorskip("pyarrow")
    names = arrow.DictionaryArray.from_arrays(arrow.array([2, 1, 0, None]), arrow.array(["a", None, "b"]))
    table = arrow.table({"class": names})
    with pytest.raises(ValueError, match="column 'class': row 1: expected a value, found null"):
        api.table(table)
    loader = api.table(table, targets="class", columns=["class"], missing="a")
    assert loader.class_names == ("a", "b") and next(iter(loader))[1].tolist() == [1, 0, 0, 0]


def test_the_order_of_categories_survives_a_filler(api):
    pandas = pytest.importorskip("pandas")
    sizes = pandas.Categorical(["L", None, "M"], categories=["S", "M", "L"])
    frame = pandas.DataFrame({"x": [1, 2, 3], "size": sizes})
    for filler, names, codes in (("S", ("S", "M", "L"), [2, 0, 1]), ("XL", ("S", "M", "L", "XL"), [2, 3, 1])):
        loader = api.table(frame, targets="size", missing={"size": filler})
        assert loader.class_names == names and next(iter(loader))[1].tolist() == codes


def test_categories_and_images_of_polars(api):
    polars = pytest.importorskip("polars")
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", (4, 4), (9, 9, 9)).save(file, "PNG")
    classes = polars.Series(["cat", "dog", "cat"], dtype=polars.Categorical)
    frame = polars.DataFrame({"image": [file.getvalue()] * 3, "label": classes})
    loader = api.table(frame, ["label"], targets="label")
    assert loader.class_names == ("cat", "dog") and next(iter(loader))[1].tolist() == [0, 1, 0]
    images = api.images(frame, size=4, dtype="uint8")
    x, y = next(iter(images))
    assert images.class_names == ("cat", "dog") and y.tolist() == [0, 1, 0] and (x == 9).all()
