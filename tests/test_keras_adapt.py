# SPDX-License-Identifier: MIT
"""Layers of Keras adapt to loaders, which pass for Keras's own data sets."""

import numpy as np
import pytest

import fastbatch as fb

pytest.importorskip("torch")
keras = pytest.importorskip("keras")

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of Keras with torch
    pytest.mark.filterwarnings("ignore:.*ran out of data"),
]
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


def test_steps_that_do_not_divide_the_length():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return X[2 * index :][:2], X[2 * index :][:2, :1]

    def steps_of_epochs(data):
        counts = []
        counting = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: counts.append(0),
            on_train_batch_end=lambda batch, logs: counts.append(counts.pop() + 1),
        )
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(data, epochs=4, steps_per_epoch=4, verbose=0, callbacks=[counting])
        return counts

    expected = steps_of_epochs(Batches())
    assert steps_of_epochs(fb.arrays(X, X[:, :1], batch_size=2)) == expected == [4, 2, 4, 2]
