# SPDX-License-Identifier: MIT
"""`fastbatch.torch.DataLoader` gives torch's batches, from the same indices, and leaves the same generators behind."""

from collections import namedtuple

import numpy as np
import pytest
from torch_oracle import assert_same_as_torch, same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
from fastbatch.torch import DataLoader  # noqa: E402

N = 53
Pair = namedtuple("Pair", "x y")


def tensors(n=N):
    x = torch.arange(n * 6, dtype=torch.float32).reshape(n, 2, 3)
    return x, torch.arange(n)


class Columns(data.Dataset):
    """Says which arrays its samples are rows of, in any structure."""

    def __init__(self, columns):
        self.columns = columns

    def fastbatch_columns(self):
        return self.columns

    def __len__(self):
        leaf = self.columns
        while isinstance(leaf, (tuple, list, dict)):
            leaf = next(iter(leaf.values())) if isinstance(leaf, dict) else leaf[0]
        return len(leaf)

    def __getitem__(self, i):
        def row(node):
            if isinstance(node, dict):
                return {key: row(value) for key, value in node.items()}
            if hasattr(node, "_fields"):
                return type(node)(*map(row, node))
            return type(node)(map(row, node)) if isinstance(node, (tuple, list)) else node[i]

        return row(self.columns)


def numbers(dtype, *shape):
    return (np.arange(N * int(np.prod(shape, dtype=int))) % 100).astype(dtype).reshape(N, *shape)


DATASETS = {
    "tensors": lambda: data.TensorDataset(*tensors()),
    "one tensor": lambda: data.TensorDataset(tensors()[0]),
    "types": lambda: data.TensorDataset(
        *(torch.arange(N).to(kind) for kind in (torch.uint8, torch.bool, torch.float16, torch.complex64, torch.int16)),
        torch.randn(N, 5).to(torch.bfloat16),
    ),
    "strided": lambda: data.TensorDataset(tensors()[0].transpose(1, 2), tensors(2 * N)[1][::2]),
    "subset": lambda: data.Subset(data.TensorDataset(*tensors()), list(range(0, N, 3))),
    "subset of subset": lambda: data.Subset(
        data.Subset(data.TensorDataset(*tensors()), torch.arange(40)), range(39, 5, -2)
    ),
    "split": lambda: data.random_split(data.TensorDataset(*tensors()), [0.6, 0.4])[1],
    "concat": lambda: data.ConcatDataset([data.TensorDataset(*tensors()), data.TensorDataset(*tensors(7))]),
    "concat of splits": lambda: data.ConcatDataset(data.random_split(data.TensorDataset(*tensors()), [20, 33])[::-1]),
    "subset of concat": lambda: data.Subset(
        data.ConcatDataset([data.TensorDataset(*tensors()), data.TensorDataset(*tensors(7))]), [59, 3, 53, 52]
    ),
    "stack": lambda: data.StackDataset(data.TensorDataset(*tensors()), tensors()[1]),
    "stack by name": lambda: data.StackDataset(a=tensors()[0], b=data.TensorDataset(*tensors())),
    "a tensor": lambda: tensors()[0],
    "an array": lambda: numbers("f4", 3),
    "columns": lambda: Columns((numbers("f4", 2, 3), numbers("i8"))),
    "columns by name": lambda: Columns({"x": numbers("f8", 2), "y": (numbers("u1"), [numbers("i4", 1)])}),
    "named columns": lambda: Columns(Pair(numbers("f4"), torch.arange(N))),
    "windows": lambda: fb.TimeSeriesDataset(numbers("f4", 3), numbers("i8"), 5),
    "subset of windows": lambda: data.Subset(fb.TimeSeriesDataset(numbers("f4", 3), numbers("f8"), 5), [3, 1, 4, 1, 5]),
    "windows of tensors": lambda: fb.TimeSeriesDataset(torch.randn(N, 3), torch.arange(N), 5),
}


class Backwards(list):
    """Indices that `[]` finds otherwise than by position, as a pandas series does: by its labels."""

    def __getitem__(self, i):
        return super().__getitem__(len(self) - 1 - i)


def test_subsets_whose_indices_have_labels():
    make = lambda: (data.Subset(data.TensorDataset(*tensors()), Backwards([5, 3, 1])), {"batch_size": 2})  # noqa: E731
    assert_same_as_torch(DataLoader, make, native=False)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize(
    "options", [{"batch_size": 8, "shuffle": True}, {"batch_size": 7}], ids=["shuffled", "in order"]
)
def test_datasets(name, options):
    assert_same_as_torch(DataLoader, lambda: (DATASETS[name](), options))


def whole_batches(sampler, drop_last=False):
    return {"batch_size": None, "sampler": data.BatchSampler(sampler, 8, drop_last)}


@pytest.mark.parametrize("name", ["tensors", "one tensor", "types", "a tensor"])
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_indices_as_sampler(name, workers):
    """The fast form of arrays in torch: the dataset is indexed by whole batches."""

    def make(drop_last=False):
        dataset = DATASETS[name]()
        return dataset, whole_batches(data.RandomSampler(dataset, generator=generator()), drop_last)

    assert_same_as_torch(DataLoader, make, num_workers=workers)
    assert_same_as_torch(DataLoader, lambda: make(True), num_workers=workers)
    assert_same_as_torch(DataLoader, lambda: (DATASETS[name](), whole_batches([3, -1, 4, 1])), num_workers=workers)


def generator(seed=11):
    return torch.Generator().manual_seed(seed)


class Reversed(data.Sampler):
    def __iter__(self):
        yield from range(N - 1, -1, -1)

    def __len__(self):
        return N


class Drawing(data.Sampler):
    """Draws each index when it is asked for, from the generator that everybody shares."""

    def __iter__(self):
        for _ in range(20):
            yield int(torch.randint(N, ()))

    def __len__(self):
        return 20


class Growing(data.Sampler):
    """Batches of different sizes."""

    def __iter__(self):
        start = 0
        for size in (1, 5, 0x10, 3):
            yield list(range(start, start + size))
            start += size

    def __len__(self):
        return 4


ORDERS = {
    "shuffle": lambda: {"batch_size": 8, "shuffle": True},
    "drop_last": lambda: {"batch_size": 8, "shuffle": True, "drop_last": True},
    "generator": lambda: {"batch_size": 8, "shuffle": True, "generator": generator()},
    "generator, drop_last": lambda: {"batch_size": 8, "shuffle": True, "drop_last": True, "generator": generator()},
    "generator, whole batches": lambda: {"batch_size": N, "shuffle": True, "generator": generator()},
    "larger than all": lambda: {"batch_size": 100, "shuffle": True, "generator": generator()},
    "larger than all, drop_last": lambda: {"batch_size": 100, "shuffle": True, "drop_last": True},
    "replacement": lambda: {"batch_size": 8, "sampler": data.RandomSampler(range(N), True, 90, generator())},
    "some": lambda: {"batch_size": 8, "sampler": data.RandomSampler(range(N), num_samples=20, generator=generator())},
    "more": lambda: {"batch_size": 8, "sampler": data.RandomSampler(range(N), num_samples=120, generator=generator())},
    "subset": lambda: {"batch_size": 4, "sampler": data.SubsetRandomSampler([5, 9, 3, 3, 52], generator())},
    "subset by label": lambda: {"batch_size": 4, "sampler": data.SubsetRandomSampler(Backwards(range(9)), generator())},
    "weighted": lambda: {"batch_size": 8, "sampler": data.WeightedRandomSampler(range(N), 70, generator=generator())},
    "weighted, once": lambda: {"batch_size": 8, "sampler": data.WeightedRandomSampler(range(1, N), 40, False)},
    "distributed": lambda: {"batch_size": 8, "sampler": data.DistributedSampler(range(N), 3, 1, seed=4)},
    "own": lambda: {"batch_size": 8, "sampler": Reversed()},
    "a list": lambda: {"batch_size": 8, "sampler": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]},
    "drawing": lambda: {"batch_size": 8, "sampler": Drawing()},
    "batches": lambda: {"batch_sampler": Growing()},
    "lists of batches": lambda: {"batch_sampler": [[1, 2], (3,), np.array([4, 5]), torch.tensor([6]), [np.int32(7)]]},
    "negative": lambda: {"batch_sampler": [[1, -1], [-N, 0], [2]]},
    "batches of one": dict,
}


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("stop", [None, 2], ids=["whole", "left"])
def test_orders(name, stop):
    assert_same_as_torch(DataLoader, lambda: (data.TensorDataset(*tensors()), ORDERS[name]()), stop=stop)


@pytest.mark.parametrize("name", ["generator", "drawing", "replacement", "batches", "negative"])
@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}, {"prefetch_factor": 1}], ids=str)
@pytest.mark.parametrize("stop", [None, 3], ids=["whole", "left"])
def test_generators_after_reading_ahead_as_torch_does(name, options, stop):
    """With worker processes, torch reads the sampler ahead of the consumer."""
    if options.get("persistent_workers") and stop:
        pytest.skip("torch's own loader waits for its workers for ever")
    assert_same_as_torch(
        DataLoader, lambda: (data.TensorDataset(*tensors()), ORDERS[name]()), num_workers=2, stop=stop, **options
    )


def test_draws_of_the_training_step_do_not_change_the_order():
    """The step and the sampler share a generator: each index is drawn when torch would draw it."""

    def losses(loader_class):
        torch.manual_seed(5)
        return [
            (batch, torch.rand(()).item())
            for batch in loader_class(data.TensorDataset(*tensors()), 8, sampler=Drawing())
        ]

    assert same(losses(DataLoader), losses(data.DataLoader))


def test_writing_to_a_tensor_between_batches():
    """A replay buffer: what is written into the dataset is in the next batch, though that was gathered ahead."""

    def batches(loader_class, **options):
        x, y = tensors()
        seen = []
        for batch in loader_class(data.TensorDataset(x, y), 8, **options):
            seen.append(batch)
            x += 1
        return seen

    assert same(batches(DataLoader), batches(data.DataLoader))
    assert same(batches(DataLoader, sampler=Reversed()), batches(data.DataLoader, sampler=Reversed()))


@pytest.mark.parametrize("stretch", [1, 20, 24])
@pytest.mark.parametrize("name", ["shuffle", "drop_last", "distributed", "negative", "subset"])
def test_an_epoch_is_gathered_in_stretches(monkeypatch, stretch, name):
    monkeypatch.setattr("fastbatch.torch.batches._STRETCH", stretch)
    assert_same_as_torch(DataLoader, lambda: (data.TensorDataset(*tensors()), ORDERS[name]()))
    assert_same_as_torch(DataLoader, lambda: (DATASETS["subset of concat"](), {"batch_size": 3}))


def test_a_billion_rows_need_no_list():
    rows = np.broadcast_to(np.arange(3.0), (10**9, 3))
    iterator = iter(DataLoader(Columns(rows), 4))
    assert next(iterator).tolist() == [[0, 1, 2]] * 4


def test_tensors_of_inference_mode():
    with torch.inference_mode():
        dataset = data.TensorDataset(*tensors())
    assert same(list(DataLoader(dataset, 8)), list(data.DataLoader(data.TensorDataset(*tensors()), 8)))


def test_a_subclass_with_an_iterator_of_its_own():
    class Own(DataLoader):
        def _get_iterator(self):
            return iter([1, 2])

    assert list(Own(data.TensorDataset(*tensors()))) == [1, 2]
    assert DataLoader[int] is not None


def test_batches_stay_as_they_are():
    loader = DataLoader(data.TensorDataset(*tensors()), 4, shuffle=True)
    torch.manual_seed(1)
    kept = list(loader)
    copies = [[tensor.clone() for tensor in batch] for batch in kept]
    list(loader)
    assert same(kept, copies)
    kept[0][0].zero_()
    assert same(kept[1:], copies[1:])


def test_two_iterators_at_once():
    loader = DataLoader(data.TensorDataset(*tensors()), 8)
    for one, other in zip(loader, loader, strict=True):
        assert same(one, other)


def test_a_dataset_that_changes_between_epochs():
    dataset = data.TensorDataset(*tensors())
    loader = DataLoader(dataset, 8)
    list(loader)
    dataset.tensors = tuple(tensor + 1 for tensor in dataset.tensors)
    assert same(list(loader), list(data.DataLoader(dataset, 8)))
    dataset.tensors = tuple(tensor.to(torch.float64) for tensor in dataset.tensors)
    assert same(list(loader), list(data.DataLoader(dataset, 8)))


def test_in_memory_of_a_file(tmp_path):
    np.save(tmp_path / "x.npy", numbers("f4", 3))
    np.save(tmp_path / "y.npy", numbers("i8"))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r+"), np.load(tmp_path / "y.npy", mmap_mode="r+")
    assert_same_as_torch(DataLoader, lambda: (Columns(mapped), {"batch_size": 8, "shuffle": True}))
    windows = fb.TimeSeriesDataset(tmp_path / "x.npy", tmp_path / "y.npy", 4)
    assert_same_as_torch(DataLoader, lambda: (windows, {"batch_size": 8, "shuffle": True}))
