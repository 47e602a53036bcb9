# SPDX-License-Identifier: MIT
"""Images in the columns of tables: bytes, and structs as of Hugging Face datasets; labels, masks, and errors."""

import io

import numpy as np
import pytest
from making import same_batches
from making_tar import jpeg

import fastbatch as fb
from fastbatch import pure

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

N = 9
IMAGES = [jpeg(i) for i in range(N)]
LABELS = [i % 3 for i in range(N)]
OPTIONS = {"size": 16, "batch_size": 4, "shuffle": True, "seed": 2, "crop": "random_resized", "dtype": "uint8"}


def table(kind=None, chunks: int = 2):
    images = pa.array(IMAGES, kind or pa.binary())
    whole = pa.table({"image": images, "label": LABELS, "other": pa.array(range(N))})
    return pa.concat_tables([whole.slice(0, 5), whole.slice(5)]) if chunks == 2 else whole


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("chunks", [1, 2])
def test_images_of_a_table_are_those_in_memory(api, kind, chunks):
    expected = api.images(fb.encoded(IMAGES), LABELS, **OPTIONS)
    same_batches(api.images(table(kind, chunks), **OPTIONS), expected)


def test_both_implementations_give_the_same():
    same_batches(fb.images(table(), exact=True, **OPTIONS), pure.images(table(), exact=True, **OPTIONS))


def test_parquet_files(api, tmp_path):
    parquet.write_table(table().slice(0, 4), tmp_path / "0.parquet")
    parquet.write_table(table().slice(4), tmp_path / "1.parquet")
    expected = api.images(fb.encoded(IMAGES), LABELS, **OPTIONS)
    same_batches(api.images(tmp_path / "*.parquet", column="image", **OPTIONS), expected)


def test_structs_and_class_labels_of_datasets(api):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "kind": datasets.ClassLabel(names=["a", "b", "c"])})
    rows = {"image": [{"bytes": image, "path": f"{i}.jpg"} for i, image in enumerate(IMAGES)], "kind": LABELS}
    data = datasets.Dataset.from_dict(rows, features=features)
    loader = api.images(data, column="image", **OPTIONS)
    assert loader.class_names == ("a", "b", "c")
    same_batches(loader, api.images(fb.encoded(IMAGES), LABELS, **OPTIONS))
    order = [7, 0, 3, 3]
    chosen = api.images(data.select(order), size=16)
    same_batches(chosen, api.images(fb.encoded([IMAGES[i] for i in order]), [LABELS[i] for i in order], size=16))
    rows["image"][8] = {"bytes": IMAGES[8][:150], "path": "bad.jpg"}
    bad = datasets.Dataset.from_dict(rows, features=features)
    with pytest.raises(fb.DecodeError, match="bad.jpg: sample 8: JPEG ends early"):
        list(api.images(bad, size=16))


def test_structs_of_paths(api, tmp_path):
    paths = [str(tmp_path / f"{i}.jpg") for i in range(N)]
    for path, image in zip(paths, IMAGES, strict=True):
        with open(path, "wb") as file:
            file.write(image)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    data = pa.table({"image": pa.array([{"bytes": None, "path": path} for path in paths], kind)})
    same_batches(api.images(data, size=16), api.images(paths, size=16))


def test_labels_and_masks(api):
    masks = []
    for i in range(N):
        out = io.BytesIO()
        from PIL import Image

        Image.fromarray(np.full((40, 50), i, np.uint8)).save(out, "PNG")
        masks.append(out.getvalue())
    names = ["x" if i % 2 else "y" for i in range(N)]
    data = table().append_column("mask", pa.array(masks)).append_column("name", pa.array(names))
    options = {"size": 16, "column": "image"}
    _, y, mask = next(iter(api.images(data, "name", masks="mask", **options)))
    assert y.tolist() == [0 if name == "x" else 1 for name in names]
    assert mask[:, 0, 0].tolist() == list(range(N))
    assert next(iter(api.images(data, "other", **options)))[1].tolist() == list(range(N))
    assert next(iter(api.images(data, None, **options))).shape == (N, 3, 16, 16)
    encoded = data.set_column(data.column_names.index("label"), "label", pa.array(names).dictionary_encode())
    loader = api.images(encoded, **options)
    assert loader.class_names == ("y", "x")
    assert next(iter(loader))[1].tolist() == [i % 2 for i in range(N)]
    assert api.probe(data.select(["image"]))["width"].tolist() == [50] * N


def test_wrong_calls(api):
    two = table().append_column("mask", pa.array(IMAGES))
    nulls = pa.table({"image": pa.chunked_array([pa.array(IMAGES[:2]), pa.array([IMAGES[2], None])])})
    for arguments, options, error, message in (
        ((two,), {}, ValueError, "column: expected the name .*, since bytes are in image and mask"),
        ((table().select(["label"]),), {}, ValueError, "since bytes are in none"),
        ((table(),), {"column": "nix"}, ValueError, "column: expected one of the columns image, label, other"),
        ((table(),), {"column": "label"}, TypeError, "column: expected bytes in column 'label', found int64"),
        ((table(), "nix"), {}, ValueError, "labels: expected one of the columns"),
        ((nulls,), {}, ValueError, "column: column 'image': row 3: expected an image, found null"),
        ((table().slice(0, 0),), {}, ValueError, "column: expected images in column 'image', found no rows"),
        ((table(),), {"root": "."}, ValueError, "root: only valid with"),
    ):
        with pytest.raises(error, match=message):
            api.images(*arguments, **options)


def test_errors_name_the_sample(api):
    data = pa.table({"image": pa.chunked_array([pa.array(IMAGES), pa.array([IMAGES[0], IMAGES[1][:150]])])})
    with pytest.raises(fb.DecodeError, match="^sample 10: JPEG ends early"):
        list(api.images(data, size=16))
