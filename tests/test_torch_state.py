# SPDX-License-Identifier: MIT
"""`state_dict` and `load_state_dict` of torch's loaders: a loader that goes on from a state gives the same batches."""

import json
import time

import numpy as np
import pytest
from test_torch_loader import ORDERS, Reversed, generator, tensors
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
from fastbatch.errors import StateError  # noqa: E402
from fastbatch.torch import DataLoader, StatefulDataLoader  # noqa: E402

# Their later epochs depend on torch's default generator, which is the user's to restore.
OF_DEFAULT = {"shuffle", "drop_last", "larger than all, drop_last", "weighted, once"}


class Python(data.Dataset):
    def __len__(self):
        return 53

    def __getitem__(self, i):
        return i, float(i)


def resumed(make, k, workers=0, later_workers=0, epochs=2):
    """Return the batches after batch k, of an uninterrupted run and of one that goes on from a state."""
    loader = make(workers)
    iterator = iter(loader)
    for _ in range(k):
        next(iterator)
    state = json.loads(json.dumps(loader.state_dict()))
    expected = list(iterator) + [batch for _ in range(epochs - 1) for batch in loader]
    torch.manual_seed(99)
    other = make(later_workers)
    other.load_state_dict(state)
    found = [batch for _ in range(epochs) for batch in other]
    return expected, found


@pytest.mark.parametrize("name", [name for name in ORDERS if name != "drawing"])  # index by index, from the default one
@pytest.mark.parametrize("dataset", [lambda: data.TensorDataset(*tensors()), Python], ids=["native", "python"])
def test_goes_on_where_it_was(name, dataset):
    if name == "negative" and dataset is Python:
        pytest.skip("a dataset without negative indices")
    for k in (0, 1, 3):
        if k > len(DataLoader(dataset(), **ORDERS[name]())):
            continue
        torch.manual_seed(3)
        epochs = 1 if name in OF_DEFAULT else 2
        expected, found = resumed(lambda _: DataLoader(dataset(), **ORDERS[name]()), k, epochs=epochs)
        assert same(found, expected), (name, k)


@pytest.mark.parametrize("workers", [(0, 2), (2, 0), (2, 2)], ids=str)
@pytest.mark.parametrize("name", ["shuffle", "generator", "own", "replacement"])
@pytest.mark.parametrize("dataset", [lambda: data.TensorDataset(*tensors()), Python], ids=["native", "python"])
def test_states_do_not_depend_on_workers(workers, name, dataset):
    expected, found = resumed(lambda n: DataLoader(dataset(), **ORDERS[name](), num_workers=n), 3, *workers, epochs=1)
    assert same(found, expected)


def test_persistent_workers():
    def make(_):
        return DataLoader(
            data.TensorDataset(*tensors()), 8, True, num_workers=2, persistent_workers=True, generator=generator()
        )

    expected, found = resumed(make, 2, epochs=3)
    assert len(found) == len(expected)
    assert same(found[:5], expected[:5])


def test_in_threads():
    expected, found = resumed(lambda n: DataLoader(Python(), 8, workers="thread", sampler=Reversed()), 3)
    assert same(found, expected)


@pytest.mark.parametrize("dataset", [lambda: data.TensorDataset(*tensors()), Python], ids=["native", "python"])
@pytest.mark.parametrize("k", [0, 2, 7], ids=["before", "inside", "after"])
def test_a_stateful_loader_repeats_all_later_epochs(dataset, k):
    expected, found = resumed(lambda n: StatefulDataLoader(dataset(), 8, shuffle=True), k, epochs=4)
    assert same(found, expected)


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")
def test_the_same_batches_as_torchdata():
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")
    epochs = []
    for loader_class in (stateful.StatefulDataLoader, StatefulDataLoader):
        torch.manual_seed(6)
        loader = loader_class(data.TensorDataset(*tensors()), 8, shuffle=True)
        epochs.append([batch for _ in range(3) for batch in loader])
    assert same(*epochs)


def test_after_the_end_the_next_epoch_follows():
    loader = DataLoader(data.TensorDataset(*tensors()), 8, True, generator=generator())
    list(loader)
    state = loader.state_dict()
    assert (state["ended"], state["batches"]) == (True, 0)
    other = DataLoader(data.TensorDataset(*tensors()), 8, True, generator=generator(1))
    other.load_state_dict(state)
    assert same(list(other), list(loader))
    assert same(list(other), list(loader))


def test_before_the_first_iteration():
    loader = DataLoader(data.TensorDataset(*tensors()), 8, shuffle=True)
    torch.manual_seed(1)
    state = loader.state_dict()
    expected = list(loader)
    torch.manual_seed(1)
    assert same(list(DataLoader(data.TensorDataset(*tensors()), 8, shuffle=True)), expected)  # nothing was drawn
    loader.load_state_dict(state)
    assert loader.state_dict() == state
    assert same(list(loader), expected)
    loader.load_state_dict({})
    assert len(list(loader)) == 7


def test_a_state_is_of_the_latest_iterator_and_small():
    loader = DataLoader(data.TensorDataset(*tensors()), 8, shuffle=True)
    first, second = iter(loader), iter(loader)
    next(first)
    assert loader.state_dict()["batches"] == 0
    next(second)
    assert loader.state_dict()["batches"] == 1
    del first, second
    state = loader.state_dict()
    assert state["batches"] == 1
    assert len(json.dumps(state)) < 300
    assert loader.state_dict() == state


def test_loads_as_weights_only(tmp_path):
    loader = DataLoader(data.TensorDataset(*tensors()), 8, True, generator=generator())
    next(iter(loader))
    torch.save(loader.state_dict(), tmp_path / "state.pt")
    loader.load_state_dict({**torch.load(tmp_path / "state.pt", weights_only=True), "accelerate": 1})
    assert len(list(loader)) == 6


def test_no_batch_is_made_again():
    x = torch.zeros(300_000, 20)
    loader = DataLoader(data.TensorDataset(x), 2)
    loader.load_state_dict({**loader.state_dict(), "batches": 149_990})
    start = time.perf_counter()
    assert len(list(loader)) == 10
    assert time.perf_counter() - start < 0.5


def test_states_that_do_not_fit():
    loader = DataLoader(data.TensorDataset(*tensors()), 8)
    state = loader.state_dict()
    for wrong, message in [
        ({"_num_yielded": 3}, "state of torchdata's StatefulDataLoader: expected one of fastbatch.torch"),
        ({**state, "version": 9}, "state of another version: expected 1, found 9"),
        ({**state, "batch_size": 9}, "state of another batch size: expected 8, found 9"),
        ({**state, "generators": [""]}, "state of another sampler: expected 0 generators, found 1"),
        ({"version": 1}, "not a state of fastbatch.torch: 'batches' is missing"),
        ({**state, "batches": -1}, "not a state of fastbatch.torch: batches: expected"),
    ]:
        with pytest.raises(StateError, match=message.replace("'", ".")):
            loader.load_state_dict(wrong)


# ---- states of others --------------------------------------------------------------------------------------------


def test_a_loader_of_fastbatch():
    def make(_):
        return DataLoader(fb.arrays(np.arange(40), batch_size=8, shuffle=True, seed=3), batch_size=None)

    for k in (0, 2, 5):
        expected, found = resumed(make, k, epochs=3)
        assert same(found, expected)


class Counter(data.IterableDataset):
    """Knows how far it is."""

    def __init__(self):
        self.i = 0

    def __iter__(self):
        while self.i < 20:
            self.i += 1
            yield self.i
        self.i = 0

    def state_dict(self):
        return {"i": self.i}

    def load_state_dict(self, state):
        self.i = state["i"]


class Plain(data.IterableDataset):
    def __iter__(self):
        return iter(range(20))


class WithIterator(data.IterableDataset):
    """Its iterator knows how far it is."""

    def __iter__(self):
        return Counting()


class Counting:
    def __init__(self):
        self.i = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.i >= 20:
            raise StopIteration
        self.i += 1
        return self.i

    def state_dict(self):
        return {"i": self.i}

    def load_state_dict(self, state):
        self.i = state["i"]


@pytest.mark.parametrize("batch_size", [3, None])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("dataset", [Counter, Plain, WithIterator])
def test_iterable_datasets(dataset, workers, batch_size):
    for k in (0, 1, 4):
        expected, found = resumed(lambda n: DataLoader(dataset(), batch_size, num_workers=n), k, workers, workers)
        assert same(found, expected)


class StatefulBatches(data.Sampler):
    """A batch sampler that keeps its place itself."""

    def __init__(self):
        self.i = 0

    def __len__(self):
        return 10

    def __iter__(self):
        while self.i < 10:
            self.i += 1
            yield [self.i, self.i + 1]
        self.i = 0

    def state_dict(self):
        return {"i": self.i}

    def load_state_dict(self, state):
        self.i = state["i"]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("dataset", [lambda: data.TensorDataset(*tensors()), Python], ids=["native", "python"])
def test_a_sampler_with_a_state(workers, dataset):
    """Read ahead or not, its state is the one after the batch that was handed out."""
    expected, found = resumed(
        lambda n: DataLoader(dataset(), batch_sampler=StatefulBatches(), num_workers=n), 3, workers, workers
    )
    assert same(found, expected)


def test_a_distributed_sampler():
    def make(_):
        sampler = data.DistributedSampler(range(53), 2, 1)
        sampler.set_epoch(7)
        return DataLoader(data.TensorDataset(*tensors()), 4, sampler=sampler)

    expected, found = resumed(make, 3, epochs=1)
    assert same(found, expected)


class Shuffling(data.IterableDataset):
    """Draws its order as it begins, in a worker from the worker's seed."""

    def __iter__(self):
        worker = data.get_worker_info()
        mine = torch.arange(20) if worker is None else torch.arange(20)[worker.id :: worker.num_workers]
        return iter(mine[torch.randperm(len(mine))].tolist())


@pytest.mark.parametrize("given", [True, False], ids=["generator", "default"])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_iterable_dataset_that_shuffles(workers, given):
    """Read again up to the place in the same order: else samples would come twice, and others never."""
    torch.manual_seed(5)

    def make(n):
        return DataLoader(Shuffling(), 3, num_workers=n, generator=generator() if given else None)

    for k in (0, 1, 4):
        expected, found = resumed(make, k, workers, workers, epochs=1)
        assert same(found, expected)
