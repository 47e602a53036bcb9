# SPDX-License-Identifier: MIT
"""Our loaders in Keras's fit, evaluate and predict, on each installed backend."""

import copy
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import fastbatch as fb

SCRIPT = """
import json, os, sys, warnings
os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
if sys.argv[1] != "tensorflow":
    sys.modules["tensorflow"] = None  # Keras would import it, which takes seconds
import numpy as np
import fastbatch as fb

assert "keras" not in sys.modules
N = 40
x = np.arange(N, dtype=np.float32)[:, None]
early = fb.arrays(x, x, batch_size=8, shuffle=True, seed=3)  # made before Keras is imported
import keras

ones = dict.fromkeys(range(N), 1.0)
validation = fb.arrays(x, x, batch_size=5)
seen = []


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.compile("sgd", "mse", run_eagerly=True)

    def call(self, x):
        return self.dense(x)

    def train_step(self, *arguments):
        data = arguments[1] if keras.backend.backend() == "jax" else arguments[0]
        seen.append([int(value) for value in np.asarray(data[0]).ravel()])
        return super().train_step(*arguments)


def fit(data, **options):
    seen.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Model().fit(data, verbose=0, **options)
    ends = [str(w.message) for w in caught if "out of data" in str(w.message)]
    return {"seen": list(seen), "ends": len(ends)}


def pairs(n):
    for i in range(n):
        yield np.full((2, 1), i, np.float32), np.zeros((2, 1), np.float32)


def endless():
    i = 0
    while True:
        yield np.full((2, 1), i, np.float32), np.zeros((2, 1), np.float32)
        i += 1


class Squares(fb.DataGenerator):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return np.full((2, 1), index, np.float32), np.zeros((2, 1), np.float32)


def weighted(batch):
    return (*batch, np.ones(len(batch[0]), np.float32))


results = {
    "early": isinstance(early, keras.utils.PyDataset),
    "shuffled": fit(early, epochs=3),
    "ordered": fit(fb.arrays(x, x, batch_size=8), epochs=2, shuffle=False, validation_data=validation),
    "classes": fit(fb.arrays(x, x, batch_size=8, shuffle=True, seed=3), epochs=2, class_weight=ones),
    "steps": fit(fb.arrays(x, x, batch_size=8), epochs=3, steps_per_epoch=2),
    "weights": fit(fb.restartable(lambda: map(weighted, pairs(3)), length=3), epochs=2),
    "with_length": fit(fb.restartable(pairs, 5, length=5), epochs=3),
    "measured": fit(fb.RestartableGeneratorWrapper(pairs, 5), epochs=3),
    "measured_steps": fit(fb.RestartableGeneratorWrapper(pairs, 5), epochs=3, steps_per_epoch=5),
    "endless": fit(fb.restartable(endless), epochs=3, steps_per_epoch=4),
    "repeated": fit(fb.arrays(x, x, batch_size=8, with_index=True).repeat(), epochs=3, steps_per_epoch=4),
    "repeated_twice": fit(fb.restartable(pairs, 3).repeat(2), epochs=1),
    "bare": fit(pairs(5), epochs=3),
    "generator": fit(Squares(threads=2), epochs=2),
}
model = Model()
loader = fb.arrays(x, x, batch_size=7)
results["evaluate"] = float(model.evaluate(loader, verbose=0)) >= 0
results["predict"] = list(model.predict(loader, verbose=0).shape)
results["predict_x"] = list(model.predict(fb.arrays(x, batch_size=7), verbose=0).shape)
results["predict_restartable"] = list(model.predict(fb.restartable(pairs, 4), verbose=0).shape)
print(json.dumps(results))
"""


def run(backend):
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    module = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow"}[backend]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    script = textwrap.dedent(SCRIPT)
    done = subprocess.run([sys.executable, "-c", script, backend], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def epochs_of(loader, n):
    return [[int(i) for i in batch[0].ravel()] for _ in range(n) for batch in loader]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "backend",
    ["torch", pytest.param("jax", marks=pytest.mark.slow), pytest.param("tensorflow", marks=pytest.mark.slow)],
)
def test_keras_takes_every_loader_as_it_is(backend):
    results = run(backend)
    x = np.arange(40, dtype=np.float32)[:, None]
    shuffled = epochs_of(fb.arrays(x, batch_size=8, shuffle=True, seed=3).map(lambda batch: (batch,)), 3)
    ordered = epochs_of(fb.arrays(x, x, batch_size=8), 1)

    assert results["early"]
    assert results["shuffled"] == {"seen": shuffled, "ends": 0}  # our order, despite Keras's shuffle=True
    assert results["ordered"] == {"seen": ordered * 2, "ends": 0}
    assert results["classes"] == {"seen": shuffled[:10], "ends": 0}
    assert results["steps"]["seen"][:5] == ordered  # steps_per_epoch continues after the previous epoch's last batch

    five = [[i, i] for i in range(5)]
    assert results["weights"]["seen"] == five[:3] * 2
    assert results["with_length"] == {"seen": five * 3, "ends": 0}
    assert results["measured"]["seen"] == five * 3
    assert results["measured"]["ends"]  # Keras warns of an end that it did not expect
    assert results["measured_steps"] == {"seen": five * 3, "ends": 0}
    assert results["endless"] == {"seen": [[i, i] for i in range(12)], "ends": 0}
    assert results["repeated"] == {"seen": (ordered * 3)[:12], "ends": 0}  # as of tf.data; the index is no weight
    assert results["repeated_twice"]["seen"] == five[:3] * 2
    assert len(results["bare"]["seen"]) == 9, "Keras trains a bare generator on two batches in later epochs"
    assert results["generator"]["seen"] == [[i, i] for i in range(6)] * 2

    assert results["evaluate"]
    assert results["predict"] == results["predict_x"] == [40, 1]
    assert results["predict_restartable"] == [8, 1]


def test_keras_is_not_imported_by_us():
    code = "import sys, fastbatch as fb; fb.restartable(list, [1]); assert not any('keras' == m for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_a_loader_stays_what_it_is():
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    import keras

    for data in (fb.arrays(np.arange(10)), fb.restartable(range, 3, length=3)):
        assert isinstance(data, keras.utils.PyDataset)
        assert isinstance(data, type(data))
        assert type(data).__module__.startswith("fastbatch.")
        with pytest.raises(TypeError, match="iterated, not indexed"):
            data[0]
    data = fb.restartable(range, 3)
    for other in (copy.copy(data), copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert type(other) is type(data)
        assert list(other) == [0, 1, 2]
