# SPDX-License-Identifier: MIT
"""Loaders of fastbatch under torch's loaders: `DataLoader(loader, batch_size=None)` and `as_iterable`."""

import subprocess
import sys

import numpy as np
import pytest
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
from fastbatch.torch import DataLoader, as_iterable  # noqa: E402

N = 41


def arrays(**options):
    return fb.arrays(np.arange(3 * N, dtype="f4").reshape(N, 3), np.arange(N), batch_size=8, **options)


def samples(batches):
    return sorted(int(i) for _, y in batches for i in y)


def test_batches_as_tensors_that_share_memory():
    loader = DataLoader(arrays(shuffle=True, seed=1), batch_size=None)
    assert len(loader) == 6
    expected = arrays(shuffle=True, seed=1)
    for _ in range(2):
        ours, plain = list(loader), list(expected)
        assert [type(batch) for batch in ours] == [list] * 6
        assert same(ours, [[torch.from_numpy(x), torch.from_numpy(y)] for x, y in plain])
    batch = next(iter(arrays()))
    assert torch.as_tensor(batch[0]).data_ptr() == batch[0].__array_interface__["data"][0]
    table = loader.explain()
    assert table.native
    assert table["dataset"].why == "SampleLoader of fastbatch"


@pytest.mark.parametrize("options", [{"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}], ids=str)
def test_workers_are_the_loaders_threads(options):
    loader = DataLoader(arrays(shuffle=True), batch_size=None, **options)
    plain = DataLoader(arrays(shuffle=True), batch_size=None)
    for _ in range(2):
        assert same(list(loader), list(plain))


def test_other_loaders():
    words = DataLoader(fb.restartable(lambda: iter(range(5))), batch_size=None)
    assert [list(words), list(words)] == [[0, 1, 2, 3, 4]] * 2


def test_options_that_a_loader_has_itself():
    with pytest.raises(ValueError, match="makes its own batches; pass batch_size=None"):
        DataLoader(arrays(), 8)
    with pytest.raises(ValueError, match="expected unspecified shuffle option, but got shuffle=True"):
        DataLoader(arrays(), batch_size=None, shuffle=True)
    with pytest.raises(TypeError, match="loader: expected a loader of fastbatch, found list"):
        as_iterable([1])
    with pytest.raises(ValueError, match="shard: expected one of torch, auto, found 'tensorflow'"):
        as_iterable(arrays(), shard="tensorflow")


def test_under_torchs_own_loader():
    with pytest.raises(TypeError, match=r"a SampleLoader is iterated, not indexed; .*fastbatch.torch.as_iterable"):
        list(data.DataLoader(arrays(), batch_size=None))
    iterable = as_iterable(arrays(shuffle=True, seed=2))
    assert same(list(data.DataLoader(iterable, batch_size=None)), list(DataLoader(arrays(shuffle=True, seed=2), None)))
    assert "as_iterable(Loader(41 samples" in repr(iterable)


@pytest.mark.parametrize("tail", ["uneven", "pad"])
def test_worker_processes_share_out_the_samples(tail):
    torch.manual_seed(0)
    iterable = as_iterable(arrays(shuffle=True, tail=tail))
    loader = data.DataLoader(iterable, batch_size=None, num_workers=2)
    epochs = [list(loader), list(loader)]
    for epoch in epochs:
        seen = samples(epoch)
        assert set(seen) == set(range(N))
        assert len(seen) == (N if tail == "uneven" else 42)
    assert [y.tolist() for _, y in epochs[0]] != [y.tolist() for _, y in epochs[1]]


def test_worker_processes_share_out_the_batches_of_a_generator():
    iterable = as_iterable(fb.restartable(lambda: iter(range(7))))
    assert sorted(data.DataLoader(iterable, batch_size=None, num_workers=2)) == list(range(7))


RANK = """
import sys
import numpy as np, torch, torch.distributed as dist
import fastbatch as fb
from fastbatch.torch import DataLoader, as_iterable

rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous{world}", rank=rank, world_size=world)
loader = fb.arrays(np.arange(23), np.arange(23), batch_size=4, shuffle=True, tail=sys.argv[4])
batches = DataLoader(loader, batch_size=None)
plain = torch.utils.data.DataLoader(as_iterable(loader.shard(0, 1)), batch_size=None)
for epoch in range(2):
    mine = [y.tolist() for _, y in batches]
    assert mine == [y.tolist() for _, y in plain]
    assert len(mine) == len(batches)
    print(sum(mine, []), len(mine), sep=";")
dist.destroy_process_group()
"""


@pytest.mark.parametrize("tail", ["uneven", "pad"])
def test_ranks_share_out_the_samples(tmp_path, tail):
    if not torch.distributed.is_available():
        pytest.skip("torch without torch.distributed")
    ranks = [
        subprocess.Popen([sys.executable, "-c", RANK, str(r), "2", tmp_path, tail], stdout=subprocess.PIPE, text=True)
        for r in range(2)
    ]
    lines = [rank.communicate(timeout=100)[0].splitlines() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0]
    for one, other in zip(*lines, strict=True):
        (mine, steps), (theirs, other_steps) = one.split(";"), other.split(";")
        seen = eval(mine) + eval(theirs)
        assert set(seen) == set(range(23))
        assert len(seen) == (23 if tail == "uneven" else 24)
        assert steps == other_steps
    assert lines[0][0] != lines[0][1]
