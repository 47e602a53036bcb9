# SPDX-License-Identifier: MIT
"""What a user's dataset, collate_fn or thread may do to a loader: an error with the place, never a shorter epoch."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
import fastbatch.torch as fbt  # noqa: E402
from fastbatch.torch import DataLoader  # noqa: E402

N = 12


class Ending(data.Dataset):
    """Raises StopIteration, as a careless `next(iterator)` in `__getitem__` does."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        if i == 5:
            next(iter(()))
        return torch.tensor(i)


class EndingBatches(Ending):
    def __getitems__(self, indices):
        return [self[i] for i in indices]


WAYS = {
    "torch": {},
    "processes": {"num_workers": 1},
    "threads": {"workers": "thread", "threads": 2},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dataset", [Ending, EndingBatches])
def test_a_dataset_that_raises_stop_iteration(way, dataset):
    """torch ends the epoch there: the samples after it are lost, and nobody is told."""
    iterator = iter(DataLoader(dataset(), 2, **WAYS[way]))
    assert [next(iterator).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    place = "" if way == "processes" else "batch 2, ind"
    with pytest.raises(RuntimeError, match=f"^{place}.*raised StopIteration"):
        list(iterator)


@pytest.mark.parametrize("batched", [False, True])
def test_it_under_torchs_own_loader(batched):
    dataset = fbt.dataset(EndingBatches() if batched else Ending(), threads=2)
    with pytest.raises(RuntimeError, match="ind.* 5.*raised StopIteration"):
        list(data.DataLoader(dataset, 2))


def ending(batch):
    raise StopIteration("no more")


@pytest.mark.parametrize("way", WAYS)
def test_a_collate_fn_that_raises_stop_iteration(way):
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(data.TensorDataset(torch.arange(N)), 2, collate_fn=ending, **WAYS[way]))


def test_it_over_a_loader_of_fastbatch():
    with pytest.raises(RuntimeError, match="^batch 0: a dataset or collate_fn raised StopIteration"):
        list(DataLoader(fb.arrays(np.arange(N), batch_size=4), None, collate_fn=ending))


class Returning(data.IterableDataset):
    """A generator that returns a value: StopIteration has an argument, and is the end all the same."""

    def __iter__(self):
        yield 1
        return 7


@pytest.mark.parametrize("batch_size", [None, 1])
def test_the_end_of_a_generator_is_no_error(batch_size):
    assert len(list(DataLoader(Returning(), batch_size))) == 1


class Lying(data.Dataset):
    """Says it has more samples than it has."""

    def __len__(self):
        return N + 3

    def __getitem__(self, i):
        return torch.arange(N)[i]


@pytest.mark.parametrize("way", WAYS)
def test_a_python_dataset_whose_length_lies(way):
    iterator = iter(DataLoader(Lying(), 4, **WAYS[way]))
    assert len([next(iterator) for _ in range(3)]) == 3
    with pytest.raises(IndexError, match="index 12 is out of bounds") as caught:
        next(iterator)
    told = "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    if way != "processes" and sys.version_info >= (3, 11):
        assert "batch 3, ind" in told


def test_columns_that_became_shorter():
    class Rows(data.Dataset):
        def __init__(self):
            self.x = np.arange(N)

        def __len__(self):
            return N

        def __getitem__(self, i):
            return self.x[i]

        def fastbatch_columns(self):
            return self.x

    dataset = Rows()
    loader = DataLoader(dataset, 4)
    assert len(list(loader)) == 3
    dataset.x = dataset.x[:6]
    iterator = iter(loader)
    assert next(iterator).tolist() == [0, 1, 2, 3]
    with pytest.raises(IndexError, match="batch 1, index 6: index 6 is out of bounds"):
        next(iterator)


def test_options_of_workers_without_workers():
    """As torch: refused without num_workers; with it, and native batches, there is no process to call them in."""
    with pytest.raises(ValueError, match="multiprocessing_context can only be used with multi-process"):
        DataLoader(data.TensorDataset(torch.arange(N)), multiprocessing_context="fork")
    called = []
    loader = DataLoader(data.TensorDataset(torch.arange(N)), 4, num_workers=2, worker_init_fn=called.append, timeout=9)
    assert loader.explain().native
    assert (loader.num_workers, loader.timeout, len(list(loader))) == (2, 9, 3)
    assert not called


# ---- threads that go on after the main thread has ended ------------------------------------------------------------

LATE = """
import os, sys, threading
import torch
import fastbatch.torch as fbt

data = torch.utils.data


class Python(data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return i * i


ended = threading.main_thread().join


def late(loader):
    ended()
    line = f"{[x.tolist() for x in loader]}\\n"
    os.write(1, line.encode())  # at once: three threads write


wrapped = data.DataLoader(fbt.dataset(Python(), threads=2), 4)
in_threads = fbt.DataLoader(Python(), 4, workers="thread", threads=2)
native = fbt.DataLoader(torch.arange(8) ** 2, 4)
if sys.argv[1] == "used":
    list(wrapped), list(in_threads), list(native)
for loader in (wrapped, in_threads, native):
    threading.Thread(target=late, args=(loader,)).start()
"""


@pytest.mark.parametrize("before", ["new", "used"])
def test_a_thread_that_outlives_the_main_thread(before):
    done = subprocess.run([sys.executable, "-c", LATE, before], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[[0, 1, 4, 9], [16, 25, 36, 49]]"] * 3
