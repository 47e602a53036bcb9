# SPDX-License-Identifier: MIT
"""`fastbatch.torch.dataset`: whole batches from the dataset, under torch's own loader."""

import pickle
import threading

import pytest
from test_torch_loader import DATASETS, ORDERS, tensors
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch.torch as fbt  # noqa: E402


def batches(dataset, **options):
    torch.manual_seed(3)
    return list(data.DataLoader(dataset, **options))


@pytest.mark.parametrize("name", DATASETS)
def test_gives_the_batches_of_the_dataset(name):
    source = DATASETS[name]()
    dataset = fbt.dataset(source)
    assert dataset.explain().native
    assert same(batches(dataset, batch_size=8, shuffle=True), batches(source, batch_size=8, shuffle=True))


@pytest.mark.parametrize("name", ["replacement", "drawing", "batches", "negative", "distributed", "batches of one"])
def test_with_any_sampler(name):
    source = data.TensorDataset(*tensors())
    assert same(batches(fbt.dataset(source), **ORDERS[name]()), batches(source, **ORDERS[name]()))


@pytest.mark.parametrize(
    "options", [{"batch_size": 8}, {"batch_size": 8, "drop_last": True}, {"batch_size": 3, "shuffle": True}], ids=str
)
def test_reads_ahead(options):
    """The order is found, so that the batches after the first one are there when torch asks for them."""
    dataset = fbt.dataset(data.TensorDataset(*tensors()))
    taken = []
    take = dataset._ahead.take
    dataset._ahead.take = lambda indices: taken.append(take(indices)) or taken[-1]
    loader = data.DataLoader(dataset, **options)
    for _ in range(2):
        del taken[:]
        list(loader)
        assert [batch is not None for batch in taken][1:-1] == [True] * (len(loader) - 2)


def test_what_is_written_between_batches_is_seen():
    def seen(wrap):
        x, y = tensors()
        found = []
        for batch in data.DataLoader(wrap(data.TensorDataset(x, y)), batch_size=4):
            found.append(batch)
            x += 1
        return found

    assert same(seen(fbt.dataset), seen(lambda dataset: dataset))


def test_two_loaders_in_turns():
    source = data.TensorDataset(*tensors())
    dataset = fbt.dataset(source)

    def pairs(dataset):
        torch.manual_seed(2)
        loaders = [data.DataLoader(dataset, 4, shuffle=True) for _ in range(2)]
        return list(zip(*loaders, strict=True))

    assert same(pairs(dataset), pairs(source))


def test_under_our_own_loader():
    source = data.TensorDataset(*tensors())
    loader = fbt.DataLoader(fbt.dataset(source), 8)
    assert loader.explain().native
    assert same(list(loader), batches(source, batch_size=8))


def test_in_worker_processes():
    source = data.TensorDataset(*tensors())
    assert same(batches(fbt.dataset(source), batch_size=8, num_workers=2), batches(source, batch_size=8))


@pytest.mark.parametrize("name", ["tensors", "a tensor", "columns by name"])
def test_a_collate_fn_gets_samples(name):
    source = DATASETS[name]()

    def collate(samples):
        assert len(samples) == 8
        firsts = [type(sample) for sample in samples[:2]]
        assert issubclass(firsts[0], firsts[1])
        return data.default_collate(list(samples)), data.default_collate([samples[0], samples[1]])

    found = batches(fbt.dataset(source), batch_size=8, collate_fn=collate, drop_last=True)
    expected = batches(source, batch_size=8, drop_last=True)
    pairs = batches(source, batch_sampler=[[i, i + 1] for i in range(0, 48, 8)])
    assert same([whole for whole, _ in found], expected)
    assert same([pair for _, pair in found], pairs)


def test_a_subset_of_it():
    source = data.TensorDataset(*tensors())
    subset = data.Subset(fbt.dataset(source), range(40, 3, -1))
    assert same(batches(subset, batch_size=8), batches(data.Subset(source, range(40, 3, -1)), batch_size=8))


def test_pickles():
    source = data.TensorDataset(*tensors())
    copy = pickle.loads(pickle.dumps(fbt.dataset(source, threads=1)))
    assert copy.threads == 1
    assert same(batches(copy, batch_size=8), batches(source, batch_size=8))


class Python(data.Dataset):
    def __init__(self):
        self.threads = set()
        self.barrier = threading.Barrier(2)

    def __len__(self):
        return 10

    def __getitem__(self, i):
        self.threads.add(threading.current_thread().name)
        if i == 8:
            raise LookupError("sample 8")
        if i < 2:
            self.barrier.wait(20)  # both at once
        return i, str(i)


def test_a_python_dataset_in_threads():
    dataset = fbt.dataset(Python(), threads=2)
    assert [row.runs for row in dataset.explain()] == ["torch", "threads"]
    assert len(batches(dataset, batch_sampler=[[4, 5], [6]])) == 2
    (first,) = batches(dataset, batch_sampler=[range(4)])
    assert same(first, [torch.arange(4), ("0", "1", "2", "3")])
    assert len(dataset.source.threads) == 2
    assert dataset[5] == (5, "5")
    assert len(dataset) == 10
    with pytest.raises(LookupError, match="sample 8"):
        batches(dataset, batch_sampler=[[7, 8, 9]])


def test_arguments():
    with pytest.raises(ValueError, match="threads"):
        fbt.dataset(Python(), threads=0)
