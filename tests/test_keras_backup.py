# SPDX-License-Identifier: MIT
"""Training under Keras, killed by SIGKILL after any batch and resumed."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

import fastbatch as fb
from fastbatch.keras.backup import BackupLoader

SCRIPT = """
import json, os, signal, sys
os.environ["KERAS_BACKEND"] = "torch"
sys.modules["tensorflow"] = None  # Keras would import it, which takes seconds
folder, kill_after, save_freq, kind = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
import numpy as np
import fastbatch as fb
import keras
from fastbatch.keras.backup import BackupLoader

x = np.arange(22, dtype=np.float32)[:, None]


def pairs():
    for i in range(0, 22, 4):
        yield x[i : i + 4], x[i : i + 4]


data = fb.restartable(pairs, length=6) if kind == "restartable" else fb.arrays(x, x, batch_size=4, shuffle=True, seed=5)


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, batch):
        self.batch = [int(value) for value in np.asarray(batch[0]).ravel()]
        return super().train_step(batch)


class Log(keras.callbacks.Callback):
    n = 0

    def on_train_batch_end(self, batch, logs=None):
        with open(folder + "/seen", "a") as file:
            file.write(json.dumps(self.model.batch) + "\\n")
        self.n += 1
        if self.n == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)


model = Model()
model.compile("sgd", "mse", run_eagerly=True)
model(x[:1])
for _ in range(2 if kind == "fitted twice" else 0):
    model.fit(data, verbose=0)
backup = keras.callbacks.BackupAndRestore(folder + "/backup", save_freq=save_freq)
model.fit(data, epochs=3, verbose=0, callbacks=[backup, BackupLoader(data, backup), Log()])
"""

needs_keras = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("keras", "torch")), reason="Keras and PyTorch are needed"
)


def train(folder, kill_after=0, save_freq=1, kind="arrays"):
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder), str(kill_after), json.dumps(save_freq), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, -9), done.stderr[-3000:]
    return done.returncode == 0


def seen(folder):
    return [json.loads(line) for line in (folder / "seen").read_text().splitlines()]


def expected(kind):
    x = np.arange(22)
    if kind != "restartable":
        loader = fb.arrays(x, batch_size=4, shuffle=True, seed=5)
        epochs = [[batch.tolist() for batch in loader] for _ in range(5)]
        return [batch for epoch in (epochs[2:] if kind == "fitted twice" else epochs[:3]) for batch in epoch]
    return [x[i : i + 4].tolist() for _ in range(3) for i in range(0, 22, 4)]


@needs_keras
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind, kills", [("arrays", [2, 4]), ("restartable", [6]), ("fitted twice", [8])])
def test_killed_at_any_batch_every_batch_is_seen_once(tmp_path, kind, kills):
    for kill in kills:
        assert not train(tmp_path, kill, kind=kind)
    assert train(tmp_path, kind=kind)
    assert seen(tmp_path) == expected(kind)
    assert not (tmp_path / "backup").exists()


@needs_keras
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_not_saved_is_seen_again(tmp_path):
    assert not train(tmp_path, 5, save_freq=3)  # saved after batch 3
    assert train(tmp_path, save_freq=3)
    order = expected("arrays")
    assert seen(tmp_path) == order[:5] + order[3:]
    (tmp_path / "seen").unlink()
    assert not train(tmp_path, 8, save_freq="epoch")  # saved after the 6 batches of the first epoch
    assert train(tmp_path, save_freq="epoch")
    assert seen(tmp_path) == order[:8] + order[6:]


@needs_keras
def test_what_it_refuses(tmp_path):
    import keras

    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(TypeError, match="loader: expected a Loader"):
        BackupLoader([1, 2], backup)
    with pytest.raises(TypeError, match="expected a BackupAndRestore, found str"):
        BackupLoader(fb.arrays(np.arange(3)), "folder")
    (tmp_path / "fastbatch_loader.json").write_text(
        json.dumps({"state": fb.arrays(np.arange(4)).state_dict(), "next": None, "weights": None, "epoch_end": True})
    )
    with pytest.raises(fb.StateError, match="another data set"):
        BackupLoader(fb.arrays(np.arange(3)), backup)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with torch
def test_training_on_other_data_is_an_error(tmp_path):
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    x = np.arange(8, dtype="f4")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    train = fb.arrays(x, x, batch_size=4)
    mapped = train.map(lambda batch: batch)
    for loader, data in ((mapped, mapped), (train, mapped)):
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        callbacks = [BackupLoader(loader, backup), backup]
        if loader is data:
            model.fit(data, verbose=0, callbacks=callbacks)
        else:
            with pytest.raises(ValueError, match=r"BackupLoader: fit\(\) reads other data"):
                model.fit(data, verbose=0, callbacks=callbacks)
