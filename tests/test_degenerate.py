# SPDX-License-Identifier: MIT
"""Values at which a fault shows that ordinary ones hide: unequal axes, odd positions, extreme bytes, nothing good.

Expected values come from NumPy, Pillow, Python's own reader of text, or from hand.
"""

import io
import json
import struct

import numpy as np
import pytest
from making import error_of, ids, jpeg
from PIL import Image, ImageOps

from fastbatch.plan.batch_range import EVERY_BATCH

pytestmark = pytest.mark.behavior


# ---- shifts of one axis ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_a_shift_of_one_axis_leaves_the_other(api, tmp_path, axis):
    """Stripes along an axis do not change when the image is shifted along them."""
    stripes = np.repeat(np.arange(0, 240, 6, dtype=np.uint8), 30).reshape(40, 30)  # each row has one colour
    pixels = stripes if axis == "rows" else stripes.T
    Image.fromarray(np.stack([pixels] * 3, 2)).save(tmp_path / "a.png")
    options = {"size": None, "dtype": "uint8", "layout": "NHWC", "batch_size": 1, "seed": 4}
    height, width = pixels.shape
    options["size"] = (height, width)
    shift = {"rows": (0.0, 0.4), "columns": (0.4, 0.0)}[axis]
    other = shift[::-1]

    def image(shift):
        augment = api.Augment(shift=shift, fill="constant", fill_value=0, order=0)
        return next(iter(api.images([tmp_path / "a.png"], None, augment=augment, **options)))[0][:, :, 0]

    along, across = image(shift), image(other)
    inside = along.any(0) if axis == "rows" else along.any(1)
    kept = along[1:, inside] if axis == "rows" else along[inside, 1:]
    wanted = pixels[1:, inside] if axis == "rows" else pixels[inside, 1:]
    assert np.array_equal(kept, wanted)
    assert not inside.all()
    assert not np.array_equal(across, pixels)


# ---- positions that are no multiple of the batch, two batches, unshuffled indices -----------------------------------


@pytest.mark.parametrize("position", range(24))
@pytest.mark.parametrize(
    "options", [{}, {"shuffle": True}, {"shuffle": "block", "block_size": 5, "window": 2}], ids=str
)
def test_an_epoch_goes_on_at_any_sample(api, position, options):
    make = lambda: api.arrays(np.arange(23), batch_size=5, seed=2, **options)  # noqa: E731
    whole = ids(make())
    state = make().state_dict() | {"position": position}
    loader = make()
    if position > 23:
        assert isinstance(error_of(loader.load_state_dict, state), api.StateError)
        return
    loader.load_state_dict(json.loads(json.dumps(state)))
    batches = [batch.tolist() for batch in loader]
    assert batches == [whole[i : i + 5] for i in range(position, 23, 5)]
    assert loader.epoch == 1


def test_two_batches_an_epoch(api):
    """The smallest epoch with a middle: state, repeat, take, skip and the last, shorter batch."""
    loader = api.arrays(np.arange(7), batch_size=4)
    batches = [[0, 1, 2, 3], [4, 5, 6]]
    assert [b.tolist() for b in loader] == batches
    assert [b.tolist() for b in loader.take(1)] == batches[:1]
    assert [b.tolist() for b in loader.skip(1)] == batches[1:]
    assert [b.tolist() for b in loader.repeat(2)] == batches * 2
    iterator = iter(loader)
    next(iterator)
    other = api.arrays(np.arange(7), batch_size=4)
    other.load_state_dict(loader.state_dict())
    assert len(list(other)) == 1
    assert [b.tolist() for b in other] == batches


@pytest.mark.parametrize("indices", [[6, 0, 3], [5, 5, 1], [-1, 2, -7], np.array([], int), [0]], ids=str)
def test_indices_in_their_own_order(api, indices):
    """Neither sorted nor unique: their order is the order of the epoch."""
    loader = api.arrays(np.arange(7) * 10, batch_size=2).select(indices)
    assert ids(loader) == [10 * (int(i) % 7) for i in indices]
    assert loader.n_samples == len(indices)


# ---- nothing but bad samples ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_bad", [0, 1, 7, 8])
@pytest.mark.parametrize("max_bad", [0.0, 1.0, 8, 7])
def test_an_allowance_of_all_or_none(api, tmp_path, n_bad, max_bad):
    files = [tmp_path / f"{i}.jpg" for i in range(8)]
    for i, file in enumerate(files):
        file.write_bytes(b"bad" if i < n_bad else jpeg())
    loader = api.images(files, range(8), size=8, batch_size=3, on_error="skip", max_bad=max_bad)
    allowed = {0.0: 0, 1.0: 8}.get(max_bad, max_bad)
    if n_bad > allowed:
        assert str(files[allowed]) in str(error_of(list, loader))
        return
    assert [int(i) for _, y in loader for i in y] == list(range(n_bad, 8))
    assert loader.stats()["bad_samples"] == n_bad
    replacing = api.images(files, range(8), size=8, batch_size=3, on_error="replace", max_bad=max_bad)
    if n_bad == 8:
        assert isinstance(error_of(list, replacing), api.DecodeError)  # nothing that may take their places
    else:
        assert sum(len(y) for _, y in replacing) == 8


# ---- channels that hardly change ------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6, -3e8])
@pytest.mark.parametrize("spread", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_nearly_constant_channel(api, offset, spread, dtype):
    """The sum of squares cancels here; a variance by blocks does not."""
    rng = np.random.default_rng(1)
    x = np.stack([offset + spread * rng.standard_normal(5000), rng.standard_normal(5000)], 1).astype(dtype)
    statistics = api.statistics(x)
    wanted = x.astype("f8")
    assert np.allclose(statistics.mean, wanted.mean(0), rtol=1e-12, atol=1e-12)
    centred = wanted - wanted.mean(0)
    assert np.allclose(statistics.std, np.sqrt((centred**2).mean(0)), rtol=1e-7, atol=1e-9 * max(1, abs(offset)) * 1e-6)
    assert (statistics.std[0] == 0) == (np.ptp(x[:, 0]) == 0)
    batch = next(iter(api.windows(x, length=50, normalize=statistics, dtype="float32")))
    assert np.isfinite(batch).all()
    if np.ptp(x[:, 0]) == 0:
        assert not batch[..., 0].any()


# ---- line endings ---------------------------------------------------------------------------------------------------

ENDINGS = {
    "mixed": b"a\r\nb\nc\rd\n\r\ne\r\r\nf",
    "carriage return at the end": b"a\nb\r",
    "both at the end": b"a\nb\r\n",
    "turned round": b"a\n\rb\n\r",
    "only ends": b"\r\n\r\n\n\r",
    "nothing": b"",
}


@pytest.mark.parametrize("keepends", [True, False])
@pytest.mark.parametrize("shuffle", [False, "line"])
@pytest.mark.parametrize("name", ENDINGS)
def test_line_endings(api, tmp_path, name, shuffle, keepends):
    path = tmp_path / "a.txt"
    path.write_bytes(ENDINGS[name])
    wanted = list(io.StringIO(ENDINGS[name].decode(), newline=None))
    wanted = wanted if keepends else [line.removesuffix("\n") for line in wanted]
    got = [line for batch in api.lines(path, batch_size=2, keepends=keepends, shuffle=shuffle) for line in batch]
    assert (sorted(got) if shuffle else got) == (sorted(wanted) if shuffle else wanted)
    words = [word for batch in api.words(path, 2) for word in batch]
    assert words == ENDINGS[name].decode().split()


# ---- extreme elements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npy", "raw", "idx", "memory"])
@pytest.mark.parametrize("to", ["int8", "float32", "int64", None])
def test_the_extremes_of_a_byte(api, tmp_path, suffix, to):
    x = np.array([[0x7F, -0x80, -1, 0, 1, 0x7E]], np.int8).repeat(3, 0)
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        np.save(path, x)
        data = path
    elif suffix == "raw":
        x.tofile(path)
        data = api.raw(path, "int8", (3, 6))
    elif suffix == "idx":
        path.write_bytes(bytes([0, 0, 0x09, 2]) + struct.pack(">II", *x.shape) + x.tobytes())
        data = path
    else:
        data = x
    (batch,) = api.arrays(data, batch_size=3, dtype=to)
    assert np.array_equal(batch, x)
    assert batch.dtype == np.dtype(to or np.int8)
    (scaled,) = api.arrays(data, batch_size=3, dtype="float32", scale=1 / 128)
    assert np.array_equal(scaled, x.astype("f4") / 128)


@pytest.mark.parametrize("to", ["int8", "uint8", "int16"])
def test_numbers_that_do_not_fit_are_cast_as_numpy_casts_them(api, to):
    x = np.array([127, 128, -128, -129], np.int64)
    (batch,) = api.arrays(x, batch_size=4, dtype=to)
    assert np.array_equal(batch, x.astype(to))


@pytest.mark.parametrize("to", ["uint8", "int8", "int32", "int64", "uint64"])
def test_floats_that_do_not_fit_are_clipped(api, to):
    x = np.array([-1.5, 300.7, np.nan, np.inf, -np.inf, 2.0**70])
    (batch,) = api.arrays(x, batch_size=6, dtype=to)
    low, high = int(np.iinfo(to).min), int(np.iinfo(to).max)
    assert batch.tolist() == [max(-1, low), min(300, high), 0, high, low, high]


# ---- EXIF in both orders of bytes -----------------------------------------------------------------------------------


def exif_of(order, orientation):
    sign = {"little": "<", "big": ">"}[order]
    mark = {"little": b"II", "big": b"MM"}[order]
    entry = struct.pack(sign + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(sign + "HIH", 42, 8, 1) + entry + struct.pack(sign + "I", 0)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_exif_in_both_orders_of_bytes(api, tmp_path, kind, order, orientation):
    pixels = np.random.default_rng(orientation).integers(0, 255, (24, 40, 3), dtype=np.uint8)
    path = tmp_path / f"a.{kind}"
    options = {"lossless": True} if kind == "webp" else {}
    exif = exif_of(order, orientation)
    Image.fromarray(pixels).save(path, exif=exif if kind == "jpg" else exif[6:], **options)
    assert order == "little" or b"MM\0*" in path.read_bytes()
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    got = api.decode(path, exif="apply")
    assert np.array_equal(got, wanted)
    assert got.shape[:2] == ((40, 24) if 5 <= orientation <= 8 else (24, 40))


# ---- masks ----------------------------------------------------------------------------------------------------------


def test_a_mask_of_exactly_the_same_name(api, tmp_path):
    """Beside `0.jpg` there may be a mask `0.jpg`: its name is the image's, extension and all."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        Image.fromarray(np.full((8, 8, 3), 60 * i, np.uint8)).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(np.full((8, 8), 10 + i, np.uint8)).save(tmp_path / "masks" / f"{i}.png")
    options = {"masks": tmp_path / "masks", "size": 8, "dtype": "uint8", "batch_size": 3}
    ((x, masks),) = api.images(tmp_path / "images", None, **options)
    assert masks.reshape(3, -1)[:, 0].tolist() == [10, 11, 12]
    assert x.reshape(3, -1)[:, 0].tolist() == [0, 60, 120]
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(tmp_path / "masks" / "1.bmp")  # a second one by its stem
    ((_, masks),) = api.images(tmp_path / "images", None, **options)
    assert masks.reshape(3, -1)[:, 0].tolist() == [10, 11, 12]


def test_a_range_of_batches_is_never_negative():
    """`take` and `skip` compose as in tf.data."""
    assert str(EVERY_BATCH.take(2).skip(3)) == "skip=2, take=0"
    assert str(EVERY_BATCH.skip(3).take(2).take(5).skip(1)) == "skip=4, take=1"
    assert EVERY_BATCH.take(2).left(3) == 0
