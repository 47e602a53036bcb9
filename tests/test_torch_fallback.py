# SPDX-License-Identifier: MIT
"""What is not recognised runs as in torch, `explain()` says why, and errors are of torch's class and name the index."""

import sys

import numpy as np
import pytest
from torch_oracle import assert_same_as_torch, same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
from fastbatch.torch import DataLoader  # noqa: E402
from fastbatch.torch.data_loader import OWN_OPTIONS  # noqa: E402

N = 20


class Squares(data.Dataset):
    def __init__(self, n=N):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return {"i": i, "square": float(i * i), "name": str(i), "x": np.full(3, i)}


class Overridden(data.TensorDataset):
    def __getitem__(self, i):
        return tuple(2 * tensor for tensor in super().__getitem__(i))


class Windows(fb.TimeSeriesDataset):
    def __getitem__(self, i):
        x, y = super().__getitem__(i)
        return x + 1, y


class Lying(data.Dataset):
    """Its arrays are not those of its samples."""

    x = np.arange(N)

    def fastbatch_columns(self):
        return self.x + 1

    def __len__(self):
        return N

    def __getitem__(self, i):
        return self.x[i]


class Numbers(data.IterableDataset):
    def __iter__(self):
        return iter(range(N))


def pairs():
    return data.TensorDataset(torch.arange(2 * N).reshape(N, 2), torch.arange(N))


def stack(samples):
    return torch.stack([x for x, _ in samples])


FALLBACKS = {
    "python": (Squares, {"batch_size": 3, "shuffle": True}, "dataset", "Squares is a Python dataset"),
    "overridden": (
        lambda: Overridden(*pairs().tensors),
        {"batch_size": 3},
        "dataset",
        "Overridden is a Python dataset",
    ),
    "overridden windows": (
        lambda: Windows(np.arange(N), np.arange(N), 3),
        {"batch_size": 3},
        "dataset",
        "Windows.__getitem__ overrides that of TimeSeriesDataset",
    ),
    "lying": (Lying, {"batch_size": 3}, "batches", "sample 0 is not the row of the arrays"),
    "iterable": (Numbers, {"batch_size": 3}, "dataset", "an IterableDataset"),
    "collate_fn": (pairs, {"batch_size": 3, "collate_fn": stack}, "collate_fn", "stack is called with a list"),
    "samples": (pairs, {"batch_size": None}, "collate_fn", "batch_size=None"),
    "gradients": (
        lambda: data.TensorDataset(torch.ones(N, 2, requires_grad=True)),
        {"batch_size": 3},
        "dataset",
        "a tensor that records gradients",
    ),
    "uint16 scalars": (lambda: np.arange(N, dtype="u2"), {"batch_size": 3}, "dataset", ""),
    "a list": (lambda: list(range(N)), {"batch_size": 3}, "dataset", "list is a Python dataset"),
    "chain": (lambda: data.ChainDataset([Numbers()]), {"batch_size": 3}, "dataset", "an IterableDataset"),
}


@pytest.mark.parametrize("name", FALLBACKS)
def test_runs_as_in_torch(name):
    make, options, part, why = FALLBACKS[name]
    native = name == "uint16 scalars"
    assert_same_as_torch(DataLoader, lambda: (make(), options), native=native)
    row = DataLoader(make(), **options).explain()[part]
    assert row.runs == ("native" if native else "torch")
    assert why in row.why


def test_worker_processes_run_as_in_torch():
    assert_same_as_torch(DataLoader, lambda: (Squares(), {"batch_size": 3}), native=False, num_workers=2)


def test_images_fall_back():
    class ImageFolder(data.Dataset):  # as torchvision's: a list of files, and a loader
        samples = (("a.jpg", 0),)

        def __len__(self):
            return 1

        def __getitem__(self, i):
            return torch.zeros(3, 2, 2), 0

    why = DataLoader(ImageFolder(), 1).explain()["dataset"].why
    assert why == "ImageFolder is a Python dataset without fastbatch_columns()"


def test_the_table():
    table = DataLoader(pairs(), 4, shuffle=True, threads=2).explain()
    assert table.native
    assert repr(table) == (
        "part        runs    why\n"
        "dataset     native  TensorDataset: 2 arrays of 20 rows\n"
        "collate_fn  native  default_collate\n"
        "order       native  RandomSampler, known at the first batch: gathered ahead\n"
        "batches     native  2 threads"
    )
    assert table[0].part == "dataset"
    with pytest.raises(KeyError):
        table["nothing"]


def test_nothing_is_kept_in_the_loader():
    """Frameworks replay a loader's attributes onto another one: a kept plan would give another loader's batches."""
    loader = DataLoader(pairs(), 4)
    before = dict(vars(loader))
    list(loader)
    loader.explain()
    assert vars(loader) == before
    plain = set(vars(data.DataLoader(pairs(), 4)))
    assert set(vars(loader)) - plain == set(OWN_OPTIONS)


def test_arguments_are_checked_as_in_torch():
    cases = [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"sampler": [1], "shuffle": True},
        {"batch_sampler": [[1]], "batch_size": 3},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
    ]
    for options in cases:
        errors = []
        for loader_class in (DataLoader, data.DataLoader):
            with pytest.raises(ValueError) as caught:
                loader_class(pairs(), **options)
            errors.append(str(caught.value))
        assert errors[0] == errors[1]
    with pytest.raises(ValueError, match="dataset attribute should not be set after DataLoader is initialized"):
        DataLoader(pairs()).dataset = pairs()
    with pytest.raises(ValueError, match="workers: expected one of auto, thread, found 'threads'"):
        DataLoader(pairs(), workers="threads")
    with pytest.raises(ValueError, match="threads"):
        DataLoader(pairs(), threads=0)


# ---- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["known", "own"])
def test_an_index_out_of_range(order):
    indices = [*range(9), N, 3]
    sampler = data.SubsetRandomSampler(indices, torch.Generator()) if order == "known" else indices
    torch.manual_seed(0)
    batches = []
    with pytest.raises(
        IndexError, match=r"^batch \d, index 20: index 20 is out of bounds for dimension 0 with size 20"
    ):
        batches.extend(DataLoader(pairs(), 2, sampler=sampler))


def test_the_batches_before_a_bad_index_come_first():
    loader = iter(DataLoader(pairs(), 2, sampler=data.SequentialSampler(range(N + 3))))
    assert len([next(loader) for _ in range(10)]) == 10
    with pytest.raises(IndexError, match="batch 10, index 20"):
        next(loader)


@pytest.mark.parametrize("bad", [1.5, "a", None, [1, 2], 2**70])
def test_an_index_of_another_type(bad):
    def outcome(loader_class):
        try:
            return [type(batch) for batch in loader_class(pairs(), 2, sampler=[1, bad])]
        except Exception as error:
            return error

    theirs, ours = outcome(data.DataLoader), outcome(DataLoader)
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs)
        assert str(ours).startswith("batch 0, ind")
    else:
        assert ours == theirs


def test_a_dataset_whose_length_lies():
    class Longer(data.TensorDataset):
        def __len__(self):
            return N + 4

    loader = DataLoader(Longer(*pairs().tensors), 8)
    assert loader.explain().native
    assert len(loader) == 3
    with pytest.raises(IndexError, match="batch 2, index 20: "):
        list(loader)


def test_a_batch_without_indices():
    for loader_class in (data.DataLoader, DataLoader):
        with pytest.raises(IndexError):
            list(loader_class(pairs(), batch_sampler=[[]]))


class Broken(Squares):
    def __getitem__(self, i):
        if i == 11:
            raise ValueError("bad pixel")
        return torch.zeros(1 + i // 6)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has no notes")
@pytest.mark.parametrize("collate", [None, lambda samples: 1 / 0], ids=["shapes", "collate_fn"])
def test_errors_that_are_left_to_torch_get_a_note(collate):
    errors = []
    for loader_class in (data.DataLoader, DataLoader):
        with pytest.raises((RuntimeError, ZeroDivisionError)) as caught:
            list(loader_class(Broken(), 4, sampler=range(10) if collate is None else range(2, 11), collate_fn=collate))
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]) == str(errors[1])
    batch = "0, indices [2, 3, 4, 5]" if collate else "1, indices [4, 5, 6, 7]"
    assert errors[1].__notes__ == [f"fastbatch: batch {batch}"]
    with pytest.raises(ValueError, match=r"^bad pixel\n") as caught:
        list(DataLoader(Broken(), 1, sampler=[1, 11]))
    assert caught.value.__notes__ == ["fastbatch: batch 1, index 11"]


def test_an_error_of_the_sampler_comes_out_as_it_is():
    def indices():
        yield 1
        yield 2
        raise KeyError("no more")

    class Breaking(data.Sampler):
        def __iter__(self):
            return indices()

    loader = iter(DataLoader(pairs(), 1, sampler=Breaking()))
    assert same(next(loader), [torch.tensor([[2, 3]]), torch.tensor([1])])
    next(loader)
    with pytest.raises(KeyError, match="no more"):
        next(loader)
