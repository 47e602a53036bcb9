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

    fb.csv(sys.argv[1])  # Python imports no module that has an exit hook once the main thread has ended

    def work():
        threading.main_thread().join()
        print(fb.csv(sys.argv[1]).shape)

    threading.Thread(target=work).start()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "(1000, 2)\n", done.stderr
