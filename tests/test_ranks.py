# SPDX-License-Identifier: MIT
"""`shard="auto"`: who says which rank this process is, and what contradicts itself."""

import json
import os
import socket
import subprocess
import sys
import types

import numpy as np
import pytest
from kinds import LOADERS, OTHERS, Folder

from fastbatch.plan.ranks import Ranks, find_ranks

NAMES = ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID", "SLURM_STEP_ID", "TORCHELASTIC_RUN_ID")
STEP = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}
SCRIPT = {"SLURM_JOB_ID": "7"}


def launched(rank, size):
    return {"RANK": str(rank), "WORLD_SIZE": str(size)}


def slurm(rank, size):
    return {"SLURM_PROCID": str(rank), "SLURM_NTASKS": str(size)}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No launcher and no framework tells a rank, whatever the tests themselves run under."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name in ("torch.distributed", "ray.train", "jax"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def pretend(monkeypatch, source, rank, size):
    """Let a framework tell a rank, as it does in its own processes."""
    told = {
        "torch.distributed": ("is_available", lambda: True, "is_initialized", lambda: True)
        + ("get_rank", lambda: rank, "get_world_size", lambda: size),
        "jax": ("distributed", types.SimpleNamespace(is_initialized=lambda: True))
        + ("process_index", lambda: rank, "process_count", lambda: size),
        "ray.train": (
            "get_context",
            lambda: types.SimpleNamespace(get_world_rank=lambda: rank, get_world_size=lambda: size),
        ),
    }[source]
    monkeypatch.setitem(sys.modules, source, types.SimpleNamespace(**dict(zip(told[::2], told[1::2], strict=True))))


SOURCES = {"torch.distributed": "torch.distributed", "ray.train": "Ray Train", "jax": "JAX"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Ranks(0, 1, "nothing found")),
        (launched(1, 3), Ranks(1, 3, "RANK, WORLD_SIZE")),
        (launched(0, 1), Ranks(0, 1, "RANK, WORLD_SIZE")),
        (slurm(2, 3), Ranks(2, 3, "SLURM_PROCID, SLURM_NTASKS")),
        (STEP | slurm(0, 3), Ranks(0, 3, "SLURM_PROCID, SLURM_NTASKS")),
        (SCRIPT | slurm(0, 1), Ranks(0, 1, "nothing found")),
        (SCRIPT | {"SLURM_PROCID": "0"}, Ranks(0, 1, "nothing found")),
        (STEP | slurm(1, 2) | launched(5, 8), Ranks(5, 8, "RANK, WORLD_SIZE")),  # a launcher with four a task
        (SCRIPT | slurm(0, 4) | launched(1, 2), Ranks(1, 2, "RANK, WORLD_SIZE")),  # started in the batch script
        (SCRIPT | {"SLURM_NTASKS": "4"} | launched(1, 2), Ranks(1, 2, "RANK, WORLD_SIZE")),
        (
            STEP | slurm(1, 2) | launched(0, 8) | {"TORCHELASTIC_RUN_ID": "none"},
            Ranks(0, 8, "RANK, WORLD_SIZE"),
        ),
    ],
)
def test_of_the_environment(environment, expected):
    assert find_ranks(environment) == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RANK": "1"}, "RANK=1 is set without WORLD_SIZE; give shard="),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2 is set without RANK; give shard="),
        ({"SLURM_NTASKS": "4"}, "SLURM_NTASKS=4 is set without SLURM_PROCID: start the tasks by srun, or give shard="),
        ({"SLURM_PROCID": "1"}, "SLURM_PROCID=1 is set without SLURM_NTASKS; give shard="),
        (SCRIPT | slurm(0, 4), "SLURM_NTASKS=4, but there is no SLURM_STEP_ID: this is the batch script's own process"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK: expected an integer, found 'one'"),
        ({"RANK": "0", "WORLD_SIZE": ""}, "WORLD_SIZE: expected an integer, found ''"),
        (launched(2, 2), "RANK: expected 0 to 1 (WORLD_SIZE=2), found 2"),
        (launched(-1, 2), "RANK: expected 0 to 1 (WORLD_SIZE=2), found -1"),
        (launched(0, 0), "WORLD_SIZE: expected 1 to 4294967296, found 0"),
        (slurm(3, 3), "SLURM_PROCID: expected 0 to 2 (SLURM_NTASKS=3), found 3"),
        (
            slurm(1, 2) | launched(0, 2),
            "RANK, WORLD_SIZE: rank 0 of 2, but SLURM_PROCID, SLURM_NTASKS: rank 1 of 2; give shard=",
        ),
        (slurm(1, 2) | launched(1, 3), "RANK, WORLD_SIZE: rank 1 of 3, but SLURM_PROCID, SLURM_NTASKS: rank 1 of 2"),
        (STEP | slurm(1, 2) | launched(0, 1), "RANK, WORLD_SIZE: rank 0 of 1, but SLURM_PROCID"),
    ],
)
def test_contradictions_are_named(environment, message):
    with pytest.raises(ValueError) as raised:
        find_ranks(environment)
    assert str(raised.value).startswith(f"shard='auto': {message}")
    assert str(raised.value).endswith("give shard=(rank, world_size)")


@pytest.mark.parametrize("source", SOURCES)
def test_a_running_framework_counts_first(monkeypatch, source):
    pretend(monkeypatch, source, 5, 8)
    assert find_ranks({}) == Ranks(5, 8, SOURCES[source])
    assert find_ranks(launched(5, 8)) == Ranks(5, 8, SOURCES[source])
    assert find_ranks(launched(1, 2)).source == SOURCES[source]  # WORLD_SIZE as the number of machines
    assert find_ranks(SCRIPT | slurm(0, 3)).source == SOURCES[source]
    with pytest.raises(ValueError, match=f"{SOURCES[source]}: rank 5 of 8, but RANK, WORLD_SIZE: rank 0 of 2; give"):
        find_ranks(launched(0, 2))
    if source == "ray.train":  # Ray's workers inherit the variables of the task of srun that has started Ray
        assert find_ranks(STEP | slurm(0, 3)).source == "Ray Train"
    else:
        with pytest.raises(ValueError, match=f"{SOURCES[source]}: rank 5 of 8, but SLURM_PROCID, SLURM_NTASKS: rank 0"):
            find_ranks(STEP | slurm(0, 3))


def test_frameworks_must_agree(monkeypatch):
    pretend(monkeypatch, "torch.distributed", 1, 2)
    pretend(monkeypatch, "ray.train", 1, 2)
    assert find_ranks({}).source == "torch.distributed"
    pretend(monkeypatch, "jax", 0, 2)
    with pytest.raises(ValueError, match=r"torch.distributed: rank 1 of 2, but JAX: rank 0 of 2; give shard="):
        find_ranks({})


@pytest.mark.parametrize("kind", sorted(LOADERS.keys() | OTHERS.keys() - {"stream"}))
def test_every_kind_of_loader(api, tmp_path, monkeypatch, kind):
    """`shard("auto")` is `shard(rank, world_size)`, and its `repr` says what was found."""
    make = (LOADERS | OTHERS)[kind]
    at = Folder(tmp_path)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    found, given = make(api, at).shard("auto"), make(api, at).shard(1, 2)
    assert len(list(found)) == len(list(given)) > 0
    assert found.state_dict() == given.state_dict()
    assert "shard=(1, 2)" in repr(given) or kind.startswith("a generator class") or kind in OTHERS
    if "shard=(1, 2)" in repr(given):
        assert "shard='auto' (rank 1 of 2: RANK, WORLD_SIZE)" in repr(found)


def by_option(api, at, shard):
    x = np.arange(12)
    return {
        "arrays": lambda: api.arrays(x, batch_size=2, shard=shard),
        "windows": lambda: api.windows(x, length=3, batch_size=2, shard=shard),
        "tokens": lambda: api.tokens(x, context=2, batch_size=2, shard=shard),
        "images": lambda: api.images(at.photos, size=8, batch_size=1, shard=shard),
        "mix": lambda: api.mix({api.arrays(x): 1}, batch_size=2, shard=shard),
        "concat": lambda: api.concat(api.arrays(x), batch_size=2, shard=shard),
        "zip": lambda: api.zip(api.arrays(x), batch_size=2, shard=shard),
        "words": lambda: api.words(at.text, 3, shard=shard),
        "lines": lambda: api.lines(at.text, 3, shard=shard),
        "text_generator": lambda: api.text_generator(at.text, 3, shard=shard),
        "restartable": lambda: api.restartable(range, 12, shard=shard),
    }


@pytest.mark.parametrize("name", by_option(None, None, None))
def test_as_an_option(api, tmp_path, monkeypatch, name):
    at = Folder(tmp_path)
    whole, one_of_one = (list(by_option(api, at, shard)[name]()) for shard in (None, "auto"))
    monkeypatch.setenv("SLURM_PROCID", "2")
    monkeypatch.setenv("SLURM_NTASKS", "3")
    found, given = (list(by_option(api, at, shard)[name]()) for shard in ("auto", (2, 3)))
    assert str(found) == str(given) != str(whole) == str(one_of_one)
    monkeypatch.delenv("SLURM_NTASKS")
    with pytest.raises(ValueError, match="shard='auto': SLURM_PROCID=2 is set without SLURM_NTASKS"):
        by_option(api, at, "auto")[name]()


def test_a_process_alone_says_so(api):
    loader = api.arrays(np.arange(8), shard="auto")
    assert "shard='auto' (rank 0 of 1: nothing found)" in repr(loader)
    assert "shard" not in repr(api.arrays(np.arange(8)))
    assert repr(loader.shard(0, 1)) == repr(api.arrays(np.arange(8)))


def test_wrong_shards(api, monkeypatch):
    x = np.arange(8)
    for shard in ("Auto", "torch", "ab", 3, (1, 2, 3)):
        with pytest.raises(TypeError, match=r"shard: expected \(rank, world_size\) or 'auto', found"):
            api.arrays(x, shard=shard)
    with pytest.raises(TypeError, match="world_size: expected none beside 'auto', found 2"):
        api.arrays(x).shard("auto", 2)
    with pytest.raises(TypeError, match="shard: expected a rank and a world_size, or 'auto', found 1 alone"):
        api.arrays(x).shard(1)
    with pytest.raises(TypeError, match="rank: expected an integer, found 'cuda'"):
        api.arrays(x).shard("cuda", 2)
    with pytest.raises(TypeError, match="a stream is read once: ranks cannot share it"):
        api.stream(range(5)).shard("auto")


def test_nothing_is_imported_to_find_ranks():
    code = """
import sys, numpy as np, fastbatch as fb
fb.arrays(np.arange(4), shard="auto")
print({"torch", "jax", "ray"} & set(sys.modules))
"""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


JAX = """
import json, sys
import jax
rank, size, port = map(int, sys.argv[1:])
import numpy as np, fastbatch as fb
before = repr(fb.arrays(np.arange(4), shard="auto"))  # must not initialize JAX
jax.distributed.initialize(f"127.0.0.1:{port}", size, rank)
loader = fb.arrays(np.arange(10), batch_size=2, shard="auto")
print("RESULT" + json.dumps([before, repr(loader), [batch.tolist() for batch in loader]]))
"""


def test_processes_of_jax():
    pytest.importorskip("jax", reason="JAX is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment["JAX_PLATFORMS"] = "cpu"
    command = [sys.executable, "-W", "ignore", "-c", JAX]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), "2", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        printed = [rank.communicate(timeout=110) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    for i, (rank, (out, errors)) in enumerate(zip(ranks, printed, strict=True)):
        assert rank.returncode == 0, errors[-3000:]
        before, after, batches = json.loads(out.partition("RESULT")[2].splitlines()[0])
        assert "rank 0 of 1: nothing found" in before
        assert f"shard='auto' (rank {i} of 2: JAX)" in after
        assert batches == [[i, 2 + i], [4 + i, 6 + i], [8 + i]]
