# SPDX-License-Identifier: MIT
"""`fastbatch doctor` around real loops of PyTorch, Keras, tf.data and fastbatch."""

import os
import sys
import textwrap

import pytest

from fastbatch.doctor import words
from fastbatch.doctor.verdict import diagnose
from fastbatch.doctor.watch import watch, watch_loader

TESTS = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def doctor(tmp_path, monkeypatch):
    """Return a function that runs a script with the doctor and returns the diagnosis."""
    monkeypatch.chdir(tmp_path)

    def run(text, compare_s=0.0, **environment):
        (tmp_path / "train.py").write_text(textwrap.dedent(text))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        observed = watch([sys.executable, "-W", "ignore", "train.py"], compare_s=compare_s)
        assert observed.exit_code == 0
        return diagnose(observed)

    return run


ROWS = """
    import time
    import numpy as np
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 48
        def __getitem__(self, i):
            time.sleep(0.01)
            return np.full(3, i, np.float32), i
"""


def test_a_dataloader_without_workers(doctor):
    pytest.importorskip("torch")
    (loop,) = doctor(ROWS + "    for x, y in DataLoader(Rows(), batch_size=4): pass\n").loops
    assert (loop.kind, loop.batches, loop.passes, loop.batch_size) == ("torch", 12, 1, 4)
    assert loop.name == "DataLoader of Rows, 48 samples, batch_size=4"
    assert loop.place == "train.py:13"
    assert loop.share > 0.8
    assert loop.limit == "waiting"
    assert loop.line.startswith("train.py:11 __getitem__")


def test_a_dataloader_with_workers(doctor):
    pytest.importorskip("torch")
    text = ROWS + "    loader = DataLoader(Rows(), batch_size=4, num_workers=2, persistent_workers=True)\n"
    text += "    for epoch in range(4):\n        for x, y in loader: pass\n"
    (loop,) = doctor(text).loops
    assert (loop.batches, loop.passes, loop.workers) == (48, 4, 2)
    assert loop.busy > 0
    assert loop.limit in ("waiting", "hand-over", "start")  # processes start slowly on a busy machine
    assert loop.parts["waiting"] > 0.5


@pytest.mark.parametrize("workers", [0, 2])
def test_loops_of_a_dataset_are_a_part_of_its_loader(workers, doctor):
    pytest.importorskip("torch")
    text = ROWS.replace("time.sleep(0.01)", "for x in (np.full(3, 0.005) for _ in range(2)): time.sleep(x[0])")
    diagnosis = doctor(text + f"    for x, y in DataLoader(Rows(), batch_size=4, num_workers={workers}): pass\n")
    (loop,) = diagnosis.loops
    assert (loop.kind, loop.batches, loop.workers) == ("torch", 12, workers)
    assert loop.line.startswith("train.py:11 __getitem__")


def test_a_known_loader_is_timed_once(doctor):
    pytest.importorskip("torch")
    diagnosis = doctor(ROWS + "    for x, y in DataLoader(Rows(), batch_size=4): pass\n")
    assert [source["kind"] for record in diagnosis.observed.records for source in record["sources"]] == ["torch"]


def test_nested_iterables_are_one_loop(doctor):
    pytest.importorskip("torch")
    text = ROWS + "    for i, (x, y) in enumerate(iter(DataLoader(Rows(), batch_size=4))): time.sleep(0.01)\n"
    assert [loop.kind for loop in doctor(text).loops] == ["torch"]


def test_an_error_in_a_worker_is_as_without_the_doctor(tmp_path, monkeypatch, capfd):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    text = (
        ROWS.replace("time.sleep(0.01)", "raise ValueError('bad row')")
        + "    list(DataLoader(Rows(), num_workers=1))\n"
    )
    (tmp_path / "train.py").write_text(textwrap.dedent(text))
    assert watch([sys.executable, "train.py"], compare_s=0).exit_code == 1
    shown = capfd.readouterr().err
    assert "ValueError: bad row" in shown
    assert shown.splitlines()[0] == "Traceback (most recent call last):"
    assert "runner.py" not in shown


def test_a_dataset_without_a_length_is_no_obstacle(doctor):
    pytest.importorskip("torch")
    text = """
        import torch
        from torch.utils.data import DataLoader

        class Endless(torch.utils.data.IterableDataset):
            def __len__(self):
                raise RuntimeError("unknown")
            def __iter__(self):
                return iter(range(20))

        for x in DataLoader(Endless(), batch_size=2): pass
    """
    (loop,) = doctor(text).loops
    assert (loop.kind, loop.batches) == ("torch", 10)


def test_rows_are_compared_and_the_lines_named(doctor):
    pytest.importorskip("torch")
    text = """
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        data = TensorDataset(torch.arange(4096.0).reshape(1024, 4), torch.arange(1024))
        for x, y in DataLoader(data, batch_size=16, shuffle=True):
            pass
        print(torch.initial_seed())
    """
    (comparison,) = doctor(text, compare_s=0.4).observed.beside
    assert comparison["problem"] == ""
    assert comparison["same"], comparison["difference"]
    assert comparison["compared"] == 4
    assert comparison["ours_per_s"] > 0 < comparison["theirs_per_s"]
    assert comparison["diff"].splitlines()[-3:] == [
        "-from torch.utils.data import DataLoader, TensorDataset",
        "+from fastbatch.torch import DataLoader",
        "+from torch.utils.data import TensorDataset",
    ]


def test_datasets_of_the_users_own_are_explained(doctor):
    pytest.importorskip("torch")
    (comparison,) = doctor(
        ROWS + "    for x in DataLoader(Rows(), batch_size=12): pass\n", compare_s=0.4
    ).observed.beside
    assert "fastbatch would run it as torch does (dataset: " in comparison["problem"]
    assert "workers='thread'" in comparison["advice"]
    assert "diff" not in comparison


def test_images_are_compared(doctor, photos):
    pytest.importorskip("torchvision_import", exc_type=ImportError)
    text = f"""
        import sys
        sys.path.append({TESTS!r})
        from torchvision_import import datasets, transforms
        from torch.utils.data import DataLoader
        change = transforms.Compose([transforms.RandomResizedCrop(16), transforms.ToTensor()])
        photos = datasets.ImageFolder({str(photos)!r}, change)
        for epoch in range(3):
            for x, y in DataLoader(photos, batch_size=4, shuffle=True):
                pass
    """
    diagnosis = doctor(text, compare_s=0.4)
    (comparison,) = diagnosis.observed.beside
    assert comparison["same"], comparison
    assert comparison["difference"] == ""
    assert "native" in comparison["explain"]
    assert diagnosis.files.count >= 36


def test_a_loader_of_fastbatch(doctor):
    text = """
        import numpy as np
        import fastbatch as fb
        loader = fb.arrays(np.zeros((100, 4)), batch_size=10)
        for epoch in range(2):
            for x in loader: pass
    """
    (loop,) = doctor(text).loops
    assert (loop.kind, loop.batches, loop.is_ours) == ("fastbatch", 20, True)
    assert "fastbatch profile" in words.advice(loop) or loop.limit == "none"


def test_a_loader_alone(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import time\nimport numpy as np\ndef batches():\n"
        "    while True:\n        time.sleep(0.01)\n        yield np.zeros(3)\n"
    )
    diagnosis = diagnose(watch_loader("mine:batches", duration_s=1.0, compare_s=0))
    assert words.headline(diagnosis).startswith("Alone, the loader makes ")
    assert diagnosis.loops[0].limit == "waiting"
    for target, message in (("mine:absent", "mine has no 'absent'"), ("gone:x", "No module named 'gone'")):
        assert watch_loader(target, compare_s=0).exit_code == 1
        assert message in capfd.readouterr().err


FIT = """
    import time
    import numpy as np
    import keras

    def batches():
        while True:
            time.sleep(0.02)
            yield np.zeros((8, 4), np.float32), np.zeros(8)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 15
        def __getitem__(self, i):
            time.sleep(0.02)
            return np.zeros((8, 4), np.float32), np.zeros(8)

    model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(batches(), steps_per_epoch=15, epochs=2, verbose=0, shuffle=False)
    model.fit(Batches(), epochs=2, verbose=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_keras(backend, doctor):
    pytest.importorskip("keras")
    pytest.importorskip(backend)
    loops = {loop.name: loop for loop in doctor(FIT, KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3").loops}
    assert set(loops) == {"generator batches() in Keras", "Batches, 15 batches in Keras"}
    for loop in loops.values():
        assert loop.batches in (30, 31)
        assert loop.line == "" or "train.py" in loop.line
        if backend == "tensorflow":
            assert loop.share is None
            assert loop.busy is not None
        else:
            assert loop.wait_s > 0.5
            assert loop.limit == "waiting"


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_tf_data(doctor):
    pytest.importorskip("tensorflow")
    text = """
        import time
        import tensorflow as tf
        data = tf.data.Dataset.range(100).batch(5)
        for x in data:
            time.sleep(0.01)
    """
    (loop,) = doctor(text, TF_CPP_MIN_LOG_LEVEL="3").loops
    assert (loop.kind, loop.batches, loop.place) == ("tf.data", 20, "train.py:5")


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_keras_image_generators_are_compared(doctor, photos):
    pytest.importorskip("keras")
    pytest.importorskip("scipy")
    text = f"""
        from keras.src.legacy.preprocessing.image import ImageDataGenerator
        generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)
        batches = generator.flow_from_directory({str(photos)!r}, target_size=(16, 16), batch_size=4, seed=1)
        for k in range(len(batches)):
            x, y = next(batches)
    """
    (comparison,) = doctor(text, compare_s=1.0, KERAS_BACKEND="torch").observed.beside
    assert comparison["problem"] == ""
    assert comparison["same"], comparison["difference"]
    assert "+from fastbatch.keras import ImageDataGenerator" in comparison["diff"]
