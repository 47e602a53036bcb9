# SPDX-License-Identifier: MIT
"""Loaders in a thread that goes on after the main thread has ended, when Python starts no more threads."""

import subprocess
import sys
import textwrap

import pytest

LOADERS = {
    "DataGenerator": "Data(threads=2)",
    "images of Keras": "keras.ImageDataGenerator().flow_from_directory(folder, (8, 8), batch_size=2, class_mode=None)",
    "restartable": "fb.restartable(range, 9, prefetch=2)",
    "arrays": "fb.arrays(np.arange(9), batch_size=1)",
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("begins", ["early", "late"])
def test_a_thread_that_outlives_the_main_thread(photos, name, begins):
    code = f"""
    import itertools, sys, threading
    import numpy as np
    import fastbatch as fb
    import fastbatch.keras as keras

    class Data(fb.DataGenerator):
        def __len__(self):
            return 9

        def __getitem__(self, index):
            return index

    folder = sys.argv[1]
    batches = iter({LOADERS[name]})

    def work():
        if {begins == "early"}:
            next(batches)
        threading.main_thread().join()
        found = list(itertools.islice(batches, 5))
        print(len(found))

    threading.Thread(target=work).start()
    """
    if "keras" in LOADERS[name]:
        pytest.importorskip("PIL")
    command = [sys.executable, "-c", textwrap.dedent(code), str(photos)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["5"], done.stderr[-2000:]


def test_csv_in_a_thread_that_outlives_the_main_thread(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000)
    code = """
    import sys, threading
    import fastbatch as fb

    def work():
        threading.main_thread().join()
        print(fb.csv(sys.argv[1]).shape)

    threading.Thread(target=work).start()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "(1000, 2)\n", done.stderr


FIRST_USES = {
    "DataGenerator": "list(type('D', (fb.DataGenerator,), {'__len__': lambda d: 2, '__getitem__': lambda d, i: i})())",
    "stream": "[int(x) for batch in fb.stream(iter(range(2)), 2) for x in batch]",
    "restartable": "list(fb.restartable(range, 2, prefetch=2))",
    "arrays": "[int(x[0]) for x in fb.arrays(np.arange(2), batch_size=1)]",
    "pure": "[int(x[0]) for x in pure.arrays(np.arange(2), batch_size=1)]",
    "Keras": "__import__('fastbatch.keras').keras.pad_sequences([[0, 1]])[0].tolist()",
}


@pytest.mark.parametrize("name", FIRST_USES)
def test_the_first_use_of_a_name_in_such_a_thread(name):
    """Names are imported when they are used, and Python then imports no module that has an exit hook."""
    code = f"""
    import threading
    import numpy as np
    import fastbatch as fb
    import fastbatch.pure as pure

    def work():
        threading.main_thread().join()
        print({FIRST_USES[name]})

    threading.Thread(target=work).start()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[0, 1]\n", done.stderr[-2000:]


@pytest.mark.parametrize("before", ["", "import torch"])
def test_torch_is_imported_before_the_main_thread_ends(before):
    """PyTorch has exit hooks itself. Imported already, it does not matter where `fastbatch.torch` is first used."""
    pytest.importorskip("torch")
    code = f"""
    import threading
    {before}

    def work():
        threading.main_thread().join()
        try:
            from fastbatch.torch import DataLoader
        except ImportError as error:
            print(error)
        else:
            print([x.tolist() for x in DataLoader(range(4), batch_size=2)])

    threading.Thread(target=work).start()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    if before:
        assert done.stdout == "[[0, 1], [2, 3]]\n", done.stderr[-2000:]
    else:
        assert done.stdout.startswith("PyTorch cannot be imported after the main thread has ended (")
        assert done.stdout.endswith("): import fastbatch.torch before\n")
