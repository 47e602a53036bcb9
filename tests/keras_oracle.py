# SPDX-License-Identifier: MIT
"""Keras's own legacy image module, test photographs, and the comparison of its batches with ours."""

import contextlib
import io
import os
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

TOLERANCE = 1e-4  # relative to the range of values, where splines are involved


def import_oracle():
    """Return Keras's module; its backend is the chosen one, else one without TensorFlow."""
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "torch" if "torch" in sys.modules else "numpy")
    ndimage = pytest.importorskip("scipy.ndimage")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pytest.importorskip("keras.src.legacy.preprocessing.image", exc_type=ImportError)
        assert ndimage.interpolation.affine_transform  # triggers its deprecation warning now
    return oracle


def make_pictures(root, n_per_class=7):
    """Write crops of photographs into three class folders: JPEG and PNG; gray, palette, RGBA, 16 bits; nested."""
    photos = pytest.importorskip("sklearn.datasets").load_sample_images().images
    rng = np.random.default_rng(0)
    for name in ("ant", "bee", "cow"):
        (root / name / "sub").mkdir(parents=True)
        for i in range(n_per_class):
            height, width = rng.integers(24, 70, 2)
            y, x = rng.integers(0, 427 - height), rng.integers(0, 640 - width)
            image = Image.fromarray(photos[i % 2][y : y + height, x : x + width])
            kind = i % 6
            if kind == 4:
                image = Image.fromarray(np.asarray(image.convert("L")).astype("uint16") * 200)
            elif kind:
                image = image.convert(("RGB", "L", "P", "RGBA", "", "RGB")[kind])
            suffix = "jpg" if kind in (0, 1, 5) else "png"
            image.save(root / name / ("sub" if i == 5 else ".") / f"{i}.{suffix}")
        (root / name / "notes.txt").write_text("no image")
    return root


def quietly(call, *arguments, **options):
    """Return the result and the output of a call, without its warnings."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(*arguments, **options)
    return result, printed.getvalue()


def arrays_of(batch):
    """Return the arrays of a batch in any structure."""
    if isinstance(batch, (tuple, list)):
        return [array for part in batch for array in arrays_of(part)]
    return [batch]


def same_batch(ours, keras, is_exact=True):
    """Assert that two batches have equal structure, types, shapes and values (of images, up to the tolerance)."""
    assert type(ours) is type(keras)
    for one, other in zip(arrays_of(ours), arrays_of(keras), strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        if is_exact or one.ndim != 4:
            assert np.array_equal(one, other)
        elif one.size:
            extent = max(1e-9, np.ptp(other.astype("f8")))
            assert np.abs(one.astype("f8") - other).max() <= TOLERANCE * extent


def same_state():
    """Return the state of NumPy's global generator for comparison."""
    kind, keys, position, *rest = np.random.get_state()
    return kind, keys.tobytes(), position, rest
