# SPDX-License-Identifier: MIT
"""A published script, a small CNN for two epochs: after a changed import the losses are the same."""

import importlib.util
import subprocess
import sys

import pytest
from keras_oracle import make_pictures

SCRIPT = """
import os, random, sys, warnings
os.environ["KERAS_BACKEND"] = sys.argv[1]
import numpy as np
import fastbatch.keras
assert "keras" not in sys.modules
import keras
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras.src.legacy.preprocessing.image as original
    import scipy.ndimage
    scipy.ndimage.interpolation.affine_transform
root = sys.argv[2]

def train(ImageDataGenerator, is_shuffled):
    keras.utils.set_random_seed(7)
    options = {"rescale": 1 / 255, "validation_split": 0.25}
    changed = ImageDataGenerator(horizontal_flip=True, vertical_flip=True, channel_shift_range=20.0, **options)
    flow = {"target_size": (24, 24), "batch_size": 4, "class_mode": "categorical"}
    training = changed.flow_from_directory(root, subset="training", **flow)
    validation = ImageDataGenerator(**options).flow_from_directory(root, subset="validation", seed=3, **flow)
    model = keras.Sequential([
        keras.layers.Input((24, 24, 3)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax"),
    ])
    model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(training, epochs=2, validation_data=validation, shuffle=is_shuffled, verbose=0).history
    predicted = model.predict(validation, verbose=0)
    return history, predicted.tobytes(), model.evaluate(validation, verbose=0), np.random.random(), random.random()

for is_shuffled in (True, False):
    ours = train(fastbatch.keras.ImageDataGenerator, is_shuffled)
    theirs = train(original.ImageDataGenerator, is_shuffled)
    assert ours == theirs, (ours, theirs)
    assert len(ours[0]["loss"]) == 2
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_only_the_import_changes(tmp_path):
    for package in ("keras", "scipy"):
        pytest.importorskip(package)
    backend = next((name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)), None)
    if backend is None:
        pytest.skip("no backend of Keras is installed")
    arguments = [backend, str(make_pictures(tmp_path))]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
