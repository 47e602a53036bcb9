# SPDX-License-Identifier: MIT
"""Programs run as the ranks of torch.distributed: one process each, over gloo, on this machine."""

import json
import os
import socket
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

BEGIN = """
import json, os, sys
import torch, torch.distributed as dist
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
arguments = sys.argv[1:]


def done(result):
    print("RESULT" + json.dumps(result))
    sys.stdout.flush()


"""
# torchvision beside PyTorch's CPU build: see torchvision_import.py.
TORCHVISION = """
import contextlib

register = torch.library.register_fake
torch.library.register_fake = lambda *names, **options: lambda function: function
with contextlib.suppress(ImportError):
    import torchvision
torch.library.register_fake = register
"""
GLOO = 'dist.init_process_group("gloo", init_method="env://")\n'


def run_ranks(code, world, *arguments, begin=GLOO, timeout=110):
    """Return what each rank of a program gives to `done(...)`."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("torch without gloo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", BEGIN + begin + code, *map(str, arguments)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    try:
        printed = [rank.communicate(timeout=timeout) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    for rank, (_, errors) in zip(ranks, printed, strict=True):
        assert rank.returncode == 0, errors[-3000:]
    return [json.loads(out.partition("RESULT")[2].splitlines()[0]) for out, _ in printed]
