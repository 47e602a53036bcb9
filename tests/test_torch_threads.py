# SPDX-License-Identifier: MIT
"""`workers="thread"`: threads call a Python dataset; the order and the errors are torch's."""

import gc
import threading
import time

import pytest
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

from fastbatch.torch import DataLoader  # noqa: E402

N = 50


class Slow(data.Dataset):
    """Earlier samples take longer; remembers the threads that called it."""

    def __init__(self):
        self.threads = set()

    def __len__(self):
        return N

    def __getitem__(self, i):
        self.threads.add(threading.current_thread().name)
        time.sleep(0.004 * (i % 3 == 0))
        return {"i": i, "name": str(i), "x": torch.full((2,), i)}


class Batched(Slow):
    def __getitems__(self, indices):
        return [{"i": i, "many": len(indices)} for i in indices]


@pytest.mark.parametrize("dataset", [Slow, Batched])
@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}], ids=str)
def test_gives_torchs_batches_in_order(dataset, options):
    def batches(loader):
        torch.manual_seed(4)
        return [batch for _ in range(2) for batch in loader]

    plain = dict(options, num_workers=0, persistent_workers=False)
    theirs = batches(data.DataLoader(dataset(), 7, shuffle=True, **plain))
    loader = DataLoader(dataset(), 7, shuffle=True, workers="thread", **options)
    assert loader.explain()["batches"].runs == "threads"
    assert same(
        batches(loader)[:8], theirs[:8]
    )  # the second epoch's seed follows the base seed, drawn once for workers
    if not options.get("persistent_workers"):
        torch.manual_seed(4)
        assert same(batches(loader), theirs)


def test_runs_in_threads():
    dataset = Slow()
    loader = DataLoader(dataset, 1, workers="thread", threads=3)
    assert "3 threads of Python" in repr(loader.explain())
    list(loader)
    assert len(dataset.threads) > 1
    assert threading.main_thread().name not in dataset.threads


def test_samples_without_batches():
    assert same(list(DataLoader(Slow(), None, workers="thread")), list(data.DataLoader(Slow(), None)))


class Broken(Slow):
    def __getitem__(self, i):
        if i == 11:
            raise ValueError("bad pixel")
        if i == 30:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text")
        return i


def test_an_error_names_the_index():
    iterator = iter(DataLoader(Broken(), 4, workers="thread"))
    assert len([next(iterator) for _ in range(2)]) == 2
    with pytest.raises(ValueError, match=r"^batch 2, index 11: bad pixel$"):
        next(iterator)
    assert next(iterator).tolist() == [12, 13, 14, 15]  # as torch goes on after an error in a worker
    with pytest.raises(UnicodeDecodeError):
        list(iterator)


def test_samples_of_changing_shape():
    class Changing(Slow):
        def __getitem__(self, i):
            return torch.zeros(1 + i // 6)

    with pytest.raises(RuntimeError, match="batch 1, ind.* stack expects each tensor to be equal size"):
        list(DataLoader(Changing(), 4, workers="thread"))


def test_a_collate_fn_that_raises():
    def collate(samples):
        raise KeyError("no collate")

    with pytest.raises(KeyError, match="batch 0, ind.*no collate"):
        list(DataLoader(Slow(), 4, workers="thread", collate_fn=collate))


def test_timeout():
    class Stuck(Slow):
        def __getitem__(self, i):
            time.sleep(0.5)

    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.05 seconds"):
        next(iter(DataLoader(Stuck(), 1, workers="thread", num_workers=1, timeout=0.05)))


def test_threads_end_with_the_iterator():
    iterator = iter(DataLoader(Slow(), 1, workers="thread", threads=2))
    next(iterator)
    del iterator
    gc.collect()
    deadline = time.monotonic() + 5
    while any("fastbatch-torch" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
