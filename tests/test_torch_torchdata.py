# SPDX-License-Identifier: MIT
"""What torchdata's own tests ask of a `StatefulDataLoader`, asked of torchdata's and of ours.

torchdata publishes no source distribution, so the cases are written anew. Left out: what is in a state (keys of the
main process and of the workers), and the moments at which workers make snapshots. Where the two differ, a test says so.
"""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

from fastbatch.errors import StateError  # noqa: E402
from fastbatch.torch import StatefulDataLoader  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def identity(samples):
    return samples


@pytest.fixture(params=["torchdata", "fastbatch"])
def stateful(request):
    if request.param == "fastbatch":
        return StatefulDataLoader
    module = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")
    return module.StatefulDataLoader


# ---- datasets and samplers of the kinds that torchdata tests -------------------------------------------------------


class Counting:
    """An iterator with a state; may draw each sample from torch's default generator, which is then in its state."""

    def __init__(self, n, shuffle):
        self.n, self.shuffle, self.i = n, shuffle, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.i >= self.n:
            raise StopIteration
        self.i += 1
        return int(torch.randint(self.n, ())) if self.shuffle else self.i - 1

    def state_dict(self):
        state = {"i": self.i}
        return {**state, "generator": torch.get_rng_state()} if self.shuffle else state

    def load_state_dict(self, state):
        self.i = state["i"]
        if self.shuffle:
            torch.set_rng_state(state["generator"])


class Iterable(data.IterableDataset):
    def __init__(self, n=37, shuffle=False):
        self.n, self.shuffle = n, shuffle

    def __iter__(self):
        return Counting(self.n, self.shuffle)


class IterableIterator(Counting, data.IterableDataset):
    """Is its own iterator."""

    def __init__(self, n=37, shuffle=False):
        super().__init__(n, shuffle)


class Generator(data.IterableDataset):
    """A generator function over a position that the dataset knows."""

    def __init__(self, n=37):
        self.n, self.i, self.resumed = n, 0, None

    def __iter__(self):
        self.i, self.resumed = self.resumed or 0, None
        for i in range(self.i, self.n):
            self.i += 1
            yield i

    def state_dict(self):
        return {"i": self.i}

    def load_state_dict(self, state):
        self.resumed = state["i"]


class Stateless(data.IterableDataset):
    def __iter__(self):
        return iter(range(37))


class Map(data.Dataset):
    """May draw each sample from torch's default generator, which is then its state."""

    def __init__(self, shuffle=False):
        self.shuffle = shuffle

    def __len__(self):
        return 40

    def __getitem__(self, i):
        if self.shuffle:
            i = int(torch.randint(40, ()))
        return {"id": i, "name": f"name {i}", "list": [i, i + 1]}

    def state_dict(self):
        return {"generator": torch.get_rng_state()} if self.shuffle else {}

    def load_state_dict(self, state):
        if self.shuffle:
            torch.set_rng_state(state["generator"])


class IteratorSampler(data.Sampler):
    """Its iterator has a state."""

    def __iter__(self):
        return Counting(40, False)

    def __len__(self):
        return 40


def seeded():
    return torch.Generator().manual_seed(13)


KINDS = {
    "iterable": lambda: (Iterable(), {}),
    "iterable, drawing": lambda: (Iterable(shuffle=True), {}),
    "own iterator": lambda: (IterableIterator(), {}),
    "generator": lambda: (Generator(), {}),
    "without a state": lambda: (Stateless(), {}),
    "map": lambda: (Map(), {}),
    "map, shuffled": lambda: (Map(), {"sampler": data.RandomSampler(range(40), generator=seeded())}),
    "map, drawing": lambda: (Map(True), {"sampler": data.RandomSampler(range(40), generator=seeded())}),
    "map, stateful iterator": lambda: (Map(), {"sampler": IteratorSampler()}),
}
IN_WORKERS = [name for name in KINDS if "drawing" not in name and name != "own iterator"]


def make(loader_class, name, **options):
    dataset, given = KINDS[name]()
    return loader_class(dataset, collate_fn=identity, **given, **options)


# ---- a state within an epoch --------------------------------------------------------------------------------------


def check_rest(loader_class, name, interrupt, **options):
    loader = make(loader_class, name, **options)
    iterator = iter(loader)
    for _ in range(interrupt):
        next(iterator)
    state = loader.state_dict()
    expected = list(iterator)
    assert expected
    later = make(loader_class, name, **options)
    later.load_state_dict(state)
    assert list(later) == expected


@pytest.mark.parametrize("interrupt", [0, 1, 4])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("name", KINDS)
def test_goes_on(stateful, name, batch_size, interrupt):
    check_rest(stateful, name, interrupt, batch_size=batch_size)


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True, "snapshot_every_n_steps": 3}], ids=str)
@pytest.mark.parametrize("name", IN_WORKERS)
def test_goes_on_in_workers(stateful, name, options):
    check_rest(stateful, name, 4, batch_size=3, num_workers=2, **options)


@pytest.mark.parametrize("name", ["iterable", "map, stateful iterator"])
def test_a_state_as_json(stateful, name):
    loader = make(stateful, name, batch_size=5)
    list(loader)
    iterator = iter(loader)
    next(iterator), next(iterator)
    text = json.dumps(loader.state_dict())
    later = make(stateful, name, batch_size=5)
    later.load_state_dict(json.loads(text))
    assert list(later) == list(iterator)


# ---- before the first batch, and after the last --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iterable", "generator", "map", "map, shuffled"])
def test_back_to_the_beginning_of_an_epoch(stateful, name):
    if name == "map, shuffled" and stateful is not StatefulDataLoader:
        pytest.skip("torchdata does not save the generator of a RandomSampler")
    loader = make(stateful, name, batch_size=4)
    iterator = iter(loader)
    state = loader.state_dict()
    expected = list(iterator)
    loader.load_state_dict(state)
    assert list(loader) == expected


def test_back_and_forth_within_an_epoch(stateful):
    loader = stateful(Map(), shuffle=True, collate_fn=identity, snapshot_every_n_steps=10)
    iterator = iter(loader)
    first = loader.state_dict()
    expected = [next(iterator) for _ in range(4)]
    loader.load_state_dict(loader.state_dict())
    expected += list(loader)
    loader.load_state_dict(first)
    assert list(loader) == expected


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("name", KINDS)
def test_after_the_end_the_next_epoch_follows(stateful, name, batch_size):
    if name in ("own iterator", "generator"):
        pytest.skip("its state is that of its end: the next epoch is empty, as with torchdata")
    if name == "iterable, drawing":
        pytest.skip("the state of the generator is in that of an iterator which has ended")
    if name == "map, shuffled" and stateful is not StatefulDataLoader:
        pytest.skip("torchdata does not save the generator of a RandomSampler")
    loader = make(stateful, name, batch_size=batch_size)
    list(loader)
    state = loader.state_dict()
    expected = list(loader)
    later = make(stateful, name, batch_size=batch_size)
    iterator = iter(later)
    next(iterator), next(iterator)  # under way: the state replaces its place
    later.load_state_dict(state)
    assert list(later) == expected


def test_the_default_sampler_shuffles_on(stateful):
    loader = stateful(Map(), 4, shuffle=True, collate_fn=identity)
    list(loader)
    state = loader.state_dict()
    expected = list(loader)
    later = stateful(Map(), 4, shuffle=True, collate_fn=identity)
    later.load_state_dict(state)
    assert list(later) == expected


def test_an_empty_state_is_ignored(stateful):
    loader = make(stateful, "map", batch_size=4)
    loader.load_state_dict({})
    assert len(list(loader)) == 10


def test_beside_torchs_own_loader(stateful):
    loader = make(stateful, "map", num_workers=2)
    plain = data.DataLoader(Map(), collate_fn=identity, num_workers=2)
    assert list(loader) == list(plain)


@pytest.mark.parametrize("interrupt", [0, 1, 3])
def test_states_of_a_loader_that_was_resumed(stateful, interrupt):
    """A state that is asked for soon after going on, before as many batches as there are workers."""
    loader = make(stateful, "map", batch_size=4, num_workers=2, snapshot_every_n_steps=5)
    iterator = iter(loader)
    for _ in range(4):
        next(iterator)
    loader.load_state_dict(loader.state_dict())
    again = iter(loader)
    for _ in range(interrupt):
        next(again)
    later = make(stateful, "map", batch_size=4, num_workers=2)
    later.load_state_dict(loader.state_dict())
    assert list(later) == list(again)


# ---- where ours differs ---------------------------------------------------------------------------------------------


def test_another_number_of_workers():
    """torchdata refuses it with an AssertionError."""
    loader = make(StatefulDataLoader, "map, shuffled", batch_size=4)
    iterator = iter(loader)
    next(iterator)
    later = make(StatefulDataLoader, "map, shuffled", batch_size=4, num_workers=2)
    later.load_state_dict(loader.state_dict())
    assert list(later) == list(iterator)


def test_a_state_before_the_first_iteration():
    """torchdata's makes the iterator that the next iter() returns, or (before 0.12) is empty."""
    loader = make(StatefulDataLoader, "map, shuffled", batch_size=4)
    state = loader.state_dict()
    expected = list(loader)
    loader.load_state_dict(state)
    assert list(loader) == expected


def test_states_of_torchdata_are_refused_by_name():
    module = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")
    for name in ("iterable", "map"):
        loader = make(module.StatefulDataLoader, name)
        next(iter(loader))
        with pytest.raises(
            StateError, match="state of torchdata's StatefulDataLoader: expected one of fastbatch.torch"
        ):
            make(StatefulDataLoader, name).load_state_dict(loader.state_dict())
