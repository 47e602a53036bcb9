# SPDX-License-Identifier: MIT
"""Frameworks that build loaders anew: what is left of ours is asked of `explain()` after their preparation."""

import gc

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
    assert fbt.install() == ("accelerate.data_loader",)
    assert fbt.install() == ()
    loader = accelerator.prepare(plain(**options))
    assert loader.explain().native
    assert same(batches(loader), theirs)
    assert loader.end_of_dataloader
    assert fbt.uninstall() == ("accelerate.data_loader",)
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


def test_without_frameworks(monkeypatch):
    monkeypatch.setattr("fastbatch.torch.frameworks.BUILDERS", ())
    assert fbt.install() == fbt.uninstall() == ()
