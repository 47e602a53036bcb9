# SPDX-License-Identifier: MIT
"""Frameworks that build loaders anew: what is left of ours is asked of `explain()` after their preparation."""

import gc
import os
import socket
import subprocess
import sys

import pytest
from test_torch_loader import tensors
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch.torch as fbt  # noqa: E402


@pytest.fixture
def accelerator():
    accelerate = pytest.importorskip("accelerate", reason="Accelerate is not installed")
    yield accelerate.Accelerator(cpu=True)
    fbt.uninstall()
    gc.collect()


def batches(loader):
    torch.manual_seed(5)
    return list(loader)


def plain(**options):
    return data.DataLoader(data.TensorDataset(*tensors()), 8, **options)


@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"num_workers": 2}], ids=str)
def test_accelerate_builds_ours(accelerator, options):
    theirs = batches(accelerator.prepare(plain(**options)))
    assert "accelerate.data_loader" in fbt.install()  # others are imported by other tests
    assert fbt.install() == ()
    loader = accelerator.prepare(plain(**options))
    assert loader.explain().native
    assert same(batches(loader), theirs)
    assert loader.end_of_dataloader
    assert "accelerate.data_loader" in fbt.uninstall()
    assert not hasattr(accelerator.prepare(plain(**options)), "explain")


def test_accelerate_shuffles_as_before(accelerator):
    def epochs(**options):
        torch.manual_seed(2)
        loader = accelerator.prepare(plain(shuffle=True, **options))
        return [batch for _ in range(2) for batch in loader]

    theirs = epochs()
    fbt.install()
    assert same(epochs(), theirs)


def test_a_dataset_of_ours_under_accelerate(accelerator):
    dataset = fbt.dataset(data.TensorDataset(*tensors()))
    loader = accelerator.prepare(data.DataLoader(dataset, 8))
    assert loader.dataset.explain().native
    assert same(batches(loader), batches(plain()))


@pytest.mark.parametrize("options", [{"shuffle": True}, {"drop_last": True}, {"num_workers": 2}], ids=str)
def test_accelerate_leaves_a_prepared_loader_as_it_is(accelerator, options):
    prepared = fbt.prepare(plain(**options))
    loader = accelerator.prepare(prepared)
    assert loader is prepared
    assert loader.explain().native
    ends, remainders = [], set()
    torch.manual_seed(5)
    found = []
    for batch in loader:
        found.append(batch)
        ends.append(accelerator.gradient_state.end_of_dataloader)
        remainders.add(accelerator.gradient_state.remainder)
    assert ends == [False] * (len(found) - 1) + [True]
    assert remainders == ({-1} if "drop_last" in options else {5})
    assert not accelerator.gradient_state.in_dataloader
    assert same(found, batches(plain(**options)))


def test_prepared_loaders_resume():
    def make():
        return fbt.prepare(fbt.DataLoader(data.TensorDataset(*tensors()), 8, shuffle=True))

    loader = make()
    iterator = iter(loader)
    next(iterator), next(iterator)
    state = loader.state_dict()
    assert state["batches"] == 2
    other = make()
    other.load_state_dict(state)
    assert same(list(other), list(iterator))
    assert loader.state_dict()["ended"]


def test_prepare_keeps_samplers():
    sampler = [[1, 2], [3]]
    loader = fbt.prepare(data.DataLoader(data.TensorDataset(*tensors()), batch_sampler=sampler))
    assert [y.tolist() for _, y in loader] == sampler
    assert list(fbt.prepare(data.DataLoader(list(range(3)), batch_size=None))) == [0, 1, 2]
    assert list(fbt.prepare(data.DataLoader([], batch_size=1))) == []


RANK = """
import sys
import torch, torch.distributed as dist
import fastbatch.torch as fbt

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
dataset = torch.utils.data.TensorDataset(torch.arange(23))
loader = fbt.prepare(torch.utils.data.DataLoader(dataset, 4, shuffle=True))
for epoch in range(2):
    assert loader.explain().native
    mine = [x.tolist() for x, in loader]
    print(sum(mine, []), len(mine), sep=";")
try:
    fbt.prepare(torch.utils.data.DataLoader(dataset, sampler=[1, 2]))
except TypeError as error:
    print(error)
dist.destroy_process_group()
"""


def test_ranks(tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("torch without torch.distributed")
    command = [sys.executable, "-c", RANK]
    ranks = [subprocess.Popen([*command, str(r), tmp_path], stdout=subprocess.PIPE, text=True) for r in range(2)]
    lines = [rank.communicate(timeout=100)[0].splitlines() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    for one, other in zip(*(mine[:2] for mine in lines), strict=True):
        (mine, steps), (theirs, other_steps) = one.split(";"), other.split(";")
        assert set(eval(mine) + eval(theirs)) == set(range(23))
        assert (steps, other_steps) == ("3", "3")
    assert lines[0][0] != lines[0][1]
    assert lines[0][2] == "prepare: a list cannot be sharded; give a DistributedSampler"


ACCELERATED = """
import torch, accelerate
import fastbatch.torch as fbt

accelerator = accelerate.Accelerator(cpu=True)
assert accelerator.num_processes == 2


def epochs(**options):
    torch.manual_seed(2)
    dataset = torch.utils.data.TensorDataset(torch.arange(23))
    loader = accelerator.prepare(torch.utils.data.DataLoader(dataset, 4, shuffle=True, **options))
    return loader, [x.tolist() for _ in range(2) for x, in loader]


_, theirs = epochs()
fbt.install()
loader, ours = epochs()
assert loader.explain().native
assert ours == theirs, (ours, theirs)
print(sum(ours[: len(ours) // 2], []))
accelerator.end_training()
"""


def test_accelerate_with_two_processes(tmp_path):
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", ACCELERATED],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    printed = [rank.communicate(timeout=110)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    assert set(eval(printed[0]) + eval(printed[1])) == set(range(23))


def test_without_frameworks(monkeypatch):
    monkeypatch.setattr("fastbatch.torch.frameworks.BUILDERS", ())
    assert fbt.install() == fbt.uninstall() == ()
