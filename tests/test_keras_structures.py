# SPDX-License-Identifier: MIT
"""Keras takes lists of inputs and batches of text in fit, evaluate and predict, on each installed backend."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, sys
os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import fastbatch, fastbatch.keras
from fastbatch import pure

rng = np.random.default_rng(0)
a, b, y = (rng.random((24, n), np.float32) for n in (3, 2, 1))
both = np.concatenate([a, b], 1)
inputs = [keras.Input((3,), name="a"), keras.Input((2,), name="b")]
one = keras.Model(inputs, keras.layers.Dense(1, name="d")(keras.layers.Concatenate()(inputs)))
one.compile("sgd", "mse")
two = keras.Model(inputs, [one.output, one.output])
two.compile("sgd", ["mse", "mse"])
right = both @ np.asarray(one.get_layer("d").kernel)


def pairs():
    for i in range(0, 24, 8):
        yield [a[i : i + 8], b[i : i + 8]], y[i : i + 8]


def used(data, model=one):
    predicted = model.predict(data, verbose=0)
    predicted = predicted[0] if isinstance(predicted, list) else predicted
    loss = model.evaluate(data, verbose=0)
    return np.allclose(predicted, right, atol=1e-5) and bool(np.isfinite(loss).all())


results = {}
for api in (fastbatch, pure):
    class Generator(api.DataGenerator):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return list(list(pairs())[i])

    plain = api.arrays(a, b, y, batch_size=10)
    kinds = {
        "arrays": api.arrays([a, b], y, batch_size=10),
        "tuple": api.arrays((a, b), y, batch_size=10),
        "dict": api.arrays({"a": a, "b": b}, y, batch_size=10),
        "weights": api.arrays([a, b], y, batch_size=10, sample_weight=np.ones(24)),
        "map": plain.map(lambda q: [[q[0], q[1]], q[2]]),
        "no targets": plain.map(lambda q: ([q[0], q[1]],)),
        "restartable": api.restartable(pairs, length=3),
        "no length": api.restartable(pairs),
        "DataGenerator": Generator(),
    }
    for name, data in kinds.items():
        if name == "no targets":
            results[name] = np.allclose(one.predict(data, verbose=0), right, atol=1e-5)
        else:
            results[name] = used(data)
    results["two outputs"] = used(api.arrays([a, b], [y, y], batch_size=10), two)
one.fit(fastbatch.arrays([a, b], y, batch_size=10), epochs=2, verbose=0, validation_data=pure.arrays([a, b], y))

vectorize = keras.layers.TextVectorization(output_sequence_length=3, vocabulary=["good", "bad", "film"])
words = keras.Input((), dtype="string")
counts = keras.ops.cast(vectorize(words), "float32") if sys.argv[1] == "tensorflow" else None
expected = {"good": [2, 4, 0], "bad": [3, 4, 0]}
for api in (fastbatch, pure):
    files = {
        form: fastbatch.keras.text_dataset_from_directory("texts", shuffle=False, format=form, verbose=False)
        for form in ("tf", "grain")
    }
    lines = np.array(["good film", "bad film"] * 4)
    texts = {
        **{f"files {form}": data for form, data in files.items()},
        "str": api.arrays(lines, np.ones((8, 1)), batch_size=3),
        "bytes": api.arrays(lines.astype("S"), np.ones((8, 1)), batch_size=3),
        "lines": api.lines("lines.txt", 3),
        "numpy": api.lines("lines.txt", 3, output="numpy"),
        "stream": api.stream(list(lines), 3),
    }
    for name, data in texts.items():
        if counts is not None:
            predicted = keras.Model(words, counts).predict(data, verbose=0).tolist()
            results[f"text {name}"] = sorted(predicted) == sorted(list(expected.values()) * (len(predicted) // 2))
            continue
        try:
            keras.models.clone_model(one).predict(data, verbose=0)
        except TypeError as error:
            results[f"text {name}"] = "runs on TensorFlow" in str(error)
    inside = files["tf"].map(lambda x, y: (keras.ops.cast(vectorize(list(x)), "float32"), y))
    numbers = np.asarray(next(iter(inside))[0]).tolist()
    results["vectorized"] = sorted(numbers) == sorted(expected.values())
if counts is not None:
    model = keras.Model(words, keras.layers.Dense(1)(counts))
    model.compile("sgd", "mse")
    model.fit(files["tf"], epochs=2, verbose=0, validation_data=files["grain"])
    results["text fit"] = bool(np.isfinite(model.evaluate(files["tf"], verbose=0)))
print(json.dumps({name: bool(value) for name, value in results.items()}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_lists_and_texts(backend, tmp_path):
    for module in ("keras", "tensorflow", backend):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    for name in ("good", "bad"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "0.txt").write_text(f"{name} film")
    (tmp_path / "lines.txt").write_text("good film\nbad film\n" * 4)
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, backend]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    assert len(results) >= 18
    assert [name for name, is_right in results.items() if not is_right] == []
