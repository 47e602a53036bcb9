# SPDX-License-Identifier: MIT
"""Ranks of torch.distributed, in processes of their own: `shard="auto"`, and whether all ranks agree."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from torch_ranks import run_ranks

AUTO = """
import numpy as np, fastbatch as fb, fastbatch.torch as fbt
x = np.arange(20)
loader = fb.arrays(x, batch_size=3, shuffle=True, seed=2, shard="auto")
batches = [batch.tolist() for batch in loader]
mine = torch.utils.data.TensorDataset(torch.arange(20))
by_torch = [batch.tolist() for batch, in fbt.DataLoader(mine, 3, shuffle=True, shard="auto")]
whole = fb.arrays(x, batch_size=3, shuffle=True, seed=2)
wrapped = [batch.tolist() for batch in fbt.DataLoader(whole, batch_size=None, shard="auto")]
iterable = [batch.tolist() for batch in fbt.as_iterable(whole, shard="auto")]
os.environ["WORLD_SIZE"] = "7"
try:
    fb.arrays(x, shard="auto")
    error = ""
except ValueError as caught:
    error = str(caught)
done([repr(loader), batches, by_torch, wrapped, iterable, error])
"""


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("initialized", [True, False])
def test_auto(world, initialized):
    results = run_ranks(AUTO, world, **({} if initialized else {"begin": ""}))
    flat = {0: [], 1: [], 2: []}
    for rank, (shown, batches, by_torch, wrapped, iterable, error) in enumerate(results):
        source = "torch.distributed" if initialized else "RANK, WORLD_SIZE"
        assert f"shard='auto' (rank {rank} of {world}: {source})" in shown
        assert batches == wrapped
        assert [len(batch) for batch in batches] == [len(batch) for batch in iterable]
        if initialized:
            assert error == (
                f"shard='auto': torch.distributed: rank {rank} of {world}, but RANK, WORLD_SIZE: rank {rank} of 7; "
                "give shard=(rank, world_size)"
            )
        for i, kind in enumerate((batches, by_torch, iterable)):
            flat[i] += itertools.chain(*kind)
    assert all(set(seen) == set(range(20)) for seen in flat.values())
    assert len(flat[1]) == 20


# Without it gloo's threads may end the process by std::terminate.
END = """
dist.barrier()
dist.destroy_process_group()
"""
CHECK = """
import numpy as np, fastbatch as fb
folder, odd = arguments
x = np.arange(30)
seed = 9 if rank == 1 and odd == "seed" else 2
path = "y.npy" if rank == 1 and odd == "file" else "x.npy"
loader = fb.arrays(f"{folder}/{path}", batch_size=3, shuffle=True, seed=seed, shard="auto")
try:
    found = ["", fb.check_ranks(loader)]
except fb.StateError as error:
    found = [str(error), ""]
batches = iter(loader)
next(batches)
if odd == "position" and rank == world - 1:
    next(batches)
try:
    found += ["", fb.check_ranks(loader)]
except fb.StateError as error:
    found += [str(error), ""]
done(found)
"""


@pytest.mark.parametrize(("world", "odd"), [(2, "seed"), (3, "seed"), (3, "file"), (2, "none"), (3, "position")])
def test_ranks_that_disagree(world, odd, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(30))
    np.save(tmp_path / "y.npy", np.arange(31))
    results = run_ranks(CHECK + END, world, tmp_path, odd)
    assert all(result == results[0] for result in results)  # all ranks know
    before, first, after, second = results[0]
    if odd == "seed":
        assert before == after == "ranks disagree: seed: expected 2, found 9 on rank 1"
    elif odd == "file":
        assert before.startswith("ranks disagree: dataset: expected ")
        assert before.endswith(" on rank 1")
    else:
        assert before == ""
        assert len(first) == 32
        assert first != second
        assert after == ("" if odd == "none" else "ranks disagree: position: expected 9, found 18 on rank 2")


ELASTIC = """
import itertools, json, numpy as np, fastbatch as fb
loader = fb.arrays(np.arange(40), batch_size=2, shuffle=True, seed=3, shard="auto")
seen = [int(i) for batch in itertools.islice(iter(loader), 3 - (rank == 1)) for i in batch]  # rank 1 is a batch behind
states = [None] * world
dist.all_gather_object(states, loader.state_dict())
done([seen, fb.merge_states(states)])
"""
RESUME = """
import json, numpy as np, fastbatch as fb
loader = fb.arrays(np.arange(40), batch_size=2, shuffle=True, seed=3, shard="auto", tail="uneven")
loader.load_state_dict(json.loads(arguments[0]))
fb.check_ranks(loader)
done([int(i) for batch in loader for i in batch])
"""


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 2)])
def test_elastic_resume_of_processes(before, after):
    results = run_ranks(ELASTIC + END, before)
    (merged,) = {json.dumps(state): state for _, state in results}.values()
    assert merged["position"] == 2 * 2 * before
    assert [(one["rank"], one["samples"]) for one in merged["repeated"]] == [
        (rank, 2) for rank in range(before) if rank != 1
    ]
    rest = run_ranks(RESUME + END, after, json.dumps(merged))
    seen = Counter(i for batches, _ in results for i in batches)
    again = Counter(i for batches in rest for i in batches)
    assert set(seen) | set(again) == set(range(40))
    assert sum((seen & again).values()) == 2 * (before - 1)  # as `repeated` says
    assert set(again.values()) == {1}
