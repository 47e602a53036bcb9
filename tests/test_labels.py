# SPDX-License-Identifier: MIT
"""Labels of images: numbers, names and several classes, from lists, data frames and arrays."""

import numpy as np
import pytest
from making import make_photos


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sorted(make_photos(tmp_path_factory.mktemp("labels") / "photos", 2).glob("*/*.jpg"))


def labels_of(loader):
    return np.concatenate([y for _, y in loader])


def check(api, files, given, wanted, dtype, names=None, **options):
    loader = api.images(files, given, size=4, batch_size=4, **options)
    got = labels_of(loader)
    assert got.dtype == np.dtype(dtype)
    assert got.tolist() == np.asarray(wanted).tolist()
    assert loader.class_names == names


NAMES = ["owl", "cat", "cat", "owl", "ape", "cat"]
CODES = [2, 1, 1, 2, 0, 1]


@pytest.mark.behavior
def test_names_are_numbered_in_sorted_order(api, files):
    sorted_names = ("ape", "cat", "owl")
    for given in (NAMES, tuple(NAMES), np.array(NAMES), np.array(NAMES, dtype=object), iter(NAMES)):
        check(api, files, given, CODES, "i8", sorted_names)
    check(api, files, NAMES, CODES, "i8", sorted_names, label_mode="int")
    check(api, files, NAMES, np.eye(3)[CODES], "f4", sorted_names, label_mode="one_hot")
    order = ["owl", "cat", "dog", "ape"]
    check(api, files, NAMES, [0, 1, 1, 0, 3, 1], "i8", tuple(order), class_names=order)
    check(api, files, NAMES, np.eye(4)[[0, 1, 1, 0, 3, 1]], "f4", tuple(order), class_names=order, label_mode="one_hot")


@pytest.mark.behavior
def test_numbers(api, files):
    check(api, files, [5, 0, 1, 1, 2, 3], [5, 0, 1, 1, 2, 3], "i8")
    check(api, files, np.arange(6, dtype=">u2"), range(6), "i8")
    check(api, files, [True, False] * 3, [1, 0] * 3, "i8")
    check(api, files, [0.5, 1, 2, 3, 4, 5], [0.5, 1, 2, 3, 4, 5], "f8")
    check(api, files, np.arange(6.0, dtype="f4"), range(6), "f4")
    check(api, files, [0.0, 1, 2, 2, 1, 0], [0, 1, 2, 2, 1, 0], "i8", label_mode="int")
    check(api, files, range(6), np.arange(6.0), "f4", label_mode="float")
    check(api, files, [0, 2, 0, 0, 0, 2], np.eye(3)[[0, 2, 0, 0, 0, 2]], "f4", label_mode="one_hot")
    check(api, files, [0, 1] * 3, [0, 1] * 3, "i8", ("no", "yes"), class_names=["no", "yes"])
    check(
        api, files, [0, 1] * 3, np.eye(3)[[0, 1] * 3], "f4", tuple("abc"), class_names=list("abc"), label_mode="one_hot"
    )
    check(api, files, np.array([1, 2, 3, 1, 2, 3], dtype=object), [1, 2, 3, 1, 2, 3], "i8")


@pytest.mark.behavior
def test_several_at_once(api, files):
    rows = np.arange(12).reshape(6, 2)
    check(api, files, rows, rows, "i8")
    check(api, files, rows.tolist(), rows, "i8")
    check(api, files, rows / 2, rows / 2, "f8")
    check(api, files, rows % 2, rows % 2, "f4", ("a", "b"), label_mode="multi_label", class_names=["a", "b"])
    lists = [["sun"], ["sea", "sun"], [], ["sky"], ["sun", "sky", "sea"], ["sea"]]
    hot = [[0, 0, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 0, 0]]
    for given in (lists, [tuple(names) for names in lists], [set(names) for names in lists]):
        check(api, files, given, hot, "f4", ("sea", "sky", "sun"))
    order = ("sun", "sky", "sea", "sand")
    wanted = [[*row[::-1], 0] for row in hot]
    check(api, files, lists, wanted, "f4", order, class_names=order, label_mode="multi_label")
    check(api, files, [["a", "b"]] * 6, [[1, 1]] * 6, "f4", ("a", "b"))  # equal lengths
    hot = [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0]]
    check(api, files, [[0, 2], [1], [], [2], [0], [1, 0]], hot, "f4")


@pytest.mark.behavior
def test_folders(api, files):
    root = files[0].parents[1]
    loader = api.images(root, size=4, label_mode="one_hot")
    assert labels_of(loader).tolist() == np.eye(3)[[0, 0, 1, 1, 2, 2]].tolist()
    assert loader.class_names == ("cat", "dog", "owl")
    loader = api.images(root, size=4, class_names=["owl", "cat"])
    assert loader.class_names == ("owl", "cat")
    assert labels_of(loader).tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="class_names: expected sub-folders of .*photos, found 'cow'"):
        api.images(root, class_names=["cow"])


def test_data_frames(api, files):
    pandas = pytest.importorskip("pandas")
    root = files[0].parents[1]
    table = pandas.DataFrame({"file": [str(path.relative_to(root)) for path in files], "class": NAMES, "age": range(6)})
    shuffled = table.sample(frac=1, random_state=1)
    expected = dict(zip(table["file"], CODES, strict=True))
    for kind in (None, "category", "string"):
        frame = shuffled if kind is None else shuffled.astype({"class": kind})
        loader = api.images(frame["file"], frame["class"], root=root, size=4)
        assert labels_of(loader).tolist() == [expected[name] for name in shuffled["file"]]
        assert loader.class_names == ("ape", "cat", "owl")
    for kind in ("int64", "Int64"):
        loader = api.images(shuffled["file"], shuffled["age"].astype(kind), root=root, size=4)
        assert labels_of(loader).tolist() == shuffled["age"].tolist()
    several = shuffled[["age", "age"]]
    assert labels_of(api.images(shuffled["file"], several, root=root, size=4)).tolist() == several.values.tolist()
    holes = table.astype({"age": "Int64"})
    holes.loc[3, ["class", "age"]] = None
    for column, message in (
        ("class", "expected a string, found"),
        ("age", "expected a number, found nan"),
    ):
        with pytest.raises(ValueError, match=f"labels: sample 3: {message}"):
            api.images(holes["file"], holes[column], root=root)
    holes.loc[2, "file"] = None
    with pytest.raises(TypeError, match="paths: sample 2: expected a path, found"):
        api.images(holes["file"], None, root=root)


@pytest.mark.behavior
def test_tables(api, files, tmp_path):
    root = files[0].parents[1]
    table = root / "labels.csv"
    names = [str(path.relative_to(root)) for path in files]
    rows = [f'"{name}",{label},{i},{i / 4},{label}|x' for i, (name, label) in enumerate(zip(names, NAMES, strict=True))]
    table.write_text("\ufefffile,class,id,score,tags\n" + "\n".join(rows) + "\n\n", encoding="utf-8")
    paths, labels = api.image_table(table)
    assert paths == [str(path) for path in files]
    assert labels == NAMES
    check(api, paths, labels, CODES, "i8", ("ape", "cat", "owl"))
    read = {"path_column": "file", "root": root}
    assert api.image_table(str(table), label_column="id", **read) == (paths, list(range(6)))
    assert api.image_table(table, label_column="score", **read) == (paths, [i / 4 for i in range(6)])
    assert api.image_table(table, label_column=None, **read) == (paths, None)
    several = api.image_table(table, label_column=["score", 2], **read)[1]
    assert several.tolist() == [[i / 4, i] for i in range(6)]
    assert api.image_table(table, label_column="tags", label_separator="|", **read)[1] == [[n, "x"] for n in NAMES]
    bare = tmp_path / "bare.tsv"
    bare.write_text("a.jpg\tone\nb.jpg\ttwo\n")
    read = {"header": False, "delimiter": "\t"}
    assert api.image_table(bare, **read) == ([str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")], ["one", "two"])
    for text, options, message in (
        ("file,class\na.jpg,\n", {}, "line 2: column 1 is empty"),
        ("file,class\na.jpg,x\nb.jpg\n", {}, "line 3: column 1 is empty"),
        ("file,class\na.jpg,x\n", {"label_column": "label"}, r"expected a column 'label', found \['file', 'class'\]"),
        ("file,class\na.jpg,x\n", {"label_column": 2}, "expected a column 2, found 2 columns"),
        ("file,class\na.jpg,x\n", {"label_column": [1]}, "line 2: expected a number, found 'x'"),
        ("", {}, "expected a column 0, found 0 columns"),
    ):
        bare.write_text(text)
        with pytest.raises(ValueError, match=f"bare.tsv: {message}"):
            api.image_table(bare, **options)


@pytest.mark.parametrize(
    "given, options, message",
    [
        ([1, 2, 3], {}, "labels: expected one for each of 6 files, found 3"),
        (NAMES + ["cat"], {}, "labels: expected one for each of 6 files, found 7"),
        ("cat", {}, "labels: expected 'infer', None or one label for each file, found 'cat'"),
        ({"a": 1}, {}, "labels: expected 'infer', None or one label for each file"),
        (np.array(3), {}, "labels: expected one label for each file, found array"),
        ([1.0, 2, float("nan"), 3, 4, 5], {}, "labels: sample 2: expected a number, found nan"),
        ([[0, 0.5]] * 5 + [[float("inf"), 1]], {}, "labels: sample 5: expected a number, found inf"),
        (["cat", None] * 3, {}, "labels: sample 1: expected a string, found None"),
        (["cat", 7] * 3, {}, "labels: sample 1: expected a string, found 7"),
        ([None] * 6, {}, "labels: sample 0: expected a number or a string, found None"),
        (NAMES, {"class_names": ["cat", "owl"]}, "labels: sample 4: expected one of 2 class names, found 'ape'"),
        ([0, 1, 2] * 2, {"class_names": ["a", "b"]}, "labels: sample 2: expected 0 to 1, found 2"),
        ([0, -1, 0, 0, 0, 0], {"label_mode": "one_hot"}, "labels: sample 1: expected"),
        ([0.5] * 6, {"label_mode": "int"}, "labels: sample 0: expected a whole number, found 0.5"),
        (np.zeros((6, 2)), {"label_mode": "int"}, r"expected one class number for each file, found shape \(6, 2\)"),
        ([0, 1] * 3, {"label_mode": "multi_label"}, r"expected a row of numbers for each file, found shape \(6,\)"),
        ([[0, 2]] * 6, {"label_mode": "multi_label"}, r"labels: sample 0: expected 0 and 1, found \[0, 2\]"),
        ([["a"], "b", ["a"], ["a"], [], []], {}, "labels: sample 1: expected a list of class names, found 'b'"),
        ([["a"], [1], ["a"], ["a"], [], []], {}, "labels: sample 1: expected one of 1 class names, found 1"),
        ([["a"], [], [], [], [], []], {"label_mode": "int"}, "lists of classes mean label_mode='multi_label'"),
        ([["a"], ["b"], [], [], [], []], {"class_names": ["b"]}, "sample 0: expected one of 1 class names, found 'a'"),
        ([1j] * 6, {}, "labels: expected numbers or strings, found elements of type complex128"),
        (range(6), {"label_mode": "binary"}, "label_mode: expected one of int, one_hot, float, multi_label"),
        (None, {"label_mode": "int"}, "label_mode: there are no labels"),
        (range(6), {"class_names": ["a", "a"]}, "class_names: expected different names"),
    ],
)
def test_bad_labels(api, files, given, options, message):
    with pytest.raises(ValueError, match=message):
        api.images(files, given, **options)


def test_a_root_is_for_lists(api, files):
    with pytest.raises(ValueError, match="root: only valid with a list of paths"):
        api.images(files[0].parents[1], root="/")
    with pytest.raises(TypeError, match="class_names: expected strings"):
        api.images(files, NAMES, class_names="abc")


def test_classes_are_drawn_equally_often(api, photos):
    for path in sorted(photos.glob("cat/*"))[1:] + sorted(photos.glob("dog/*"))[2:]:
        path.unlink()
    with api.images(photos, size=8, balance="classes", samples_per_epoch=300, batch_size=100, seed=1) as loader:
        drawn = np.concatenate([y for _, y in loader])
    assert len(drawn) == 300
    assert (np.bincount(drawn) > 70).all()


def test_a_single_thing_is_no_list_of_labels(api, photos):
    with pytest.raises(TypeError, match="labels: expected one for each of 12 files, found 5"):
        api.images(sorted(photos.rglob("*.jpg")), labels=5)


@pytest.mark.parametrize(
    ("content", "message", "options"),
    [
        ("file,class\na,b.jpg,cat\n", "line 2: another number of cells: expected 2, found 3", {}),
        ("file,file\na.jpg,cat\n", "expected one column 'file', found", {"path_column": "file"}),
        ('file,class\na.jpg,"cat\nb.jpg,dog\n', "row 2: quotes are not closed", {}),
        ('file,class\n"a.jpg,cat\nb.jpg,dog\n', "row 2: quotes are not closed", {}),
        ("a.jpg,cat\nb.jpg,dog,3\n", "line 2: another number of cells: expected 2, found 3", {"header": False}),
    ],
    ids=["comma", "twice", "label", "path", "no header"],
)
def test_tables_that_would_give_other_labels(api, write, content, message, options):
    with pytest.raises(ValueError, match=message):
        api.image_table(write(content), **options)


def test_empty_cells_at_the_end_and_numbers_of_python(api, write):
    paths, labels = api.image_table(write(" file , class\na.jpg,1_0,\nb.jpg,10\n"), label_column="class", root="")
    assert (paths, labels) == (["a.jpg", "b.jpg"], ["1_0", "10"])
    assert api.image_table(write("f,c\na,٣\nb,2\n"))[1] == ["٣", "2"]
