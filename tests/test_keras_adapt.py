# SPDX-License-Identifier: MIT
"""Layers of Keras adapt to loaders, which pass for Keras's own data sets."""

import numpy as np
import pytest

import fastbatch as fb

pytest.importorskip("torch")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with torch
X = np.arange(24, dtype="f4").reshape(12, 2)


@pytest.mark.parametrize("with_targets", [False, True])
def test_normalization(with_targets):
    loader = fb.arrays(X, *([X[:, 0]] if with_targets else []), batch_size=5, shuffle=True, seed=1)
    layer = keras.layers.Normalization()
    layer.adapt(loader)
    assert np.allclose(keras.ops.convert_to_numpy(layer.mean).ravel(), X.mean(0))
    assert np.allclose(keras.ops.convert_to_numpy(layer.variance).ravel(), X.var(0))
    assert loader.epoch == 1  # one pass, and the look at its first batch is none
    with pytest.raises(TypeError, match="iterated, not indexed"):
        loader[0]


def test_a_loader_without_a_length():
    layer = keras.layers.Normalization()
    layer.adapt(fb.restartable(lambda: iter([X[:6], X[6:]])))
    assert np.allclose(keras.ops.convert_to_numpy(layer.mean).ravel(), X.mean(0))
