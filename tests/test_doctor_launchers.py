# SPDX-License-Identifier: MIT
"""`fastbatch doctor` around launchers that start the training in processes of their own."""

import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from fastbatch.doctor.verdict import diagnose
from fastbatch.doctor.watch import watch

pytest.importorskip("torch")

SCRIPT = """
    import os
    import sys
    import numpy as np
    import torch
    from torch.utils.data import DataLoader, DistributedSampler

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 64
        def __getitem__(self, i):
            return np.full(3, i, np.float32), i

    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    data = Rows()
    seen = []
    for x, y in DataLoader(data, batch_size=4, sampler=DistributedSampler(data, shuffle=False)):
        seen += y.tolist()
    print(f"rank {rank} of {torch.distributed.get_world_size()}:", seen == list(range(rank, 64, 2)), flush=True)
    torch.distributed.destroy_process_group()
    sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def launch(tmp_path, monkeypatch, capfd):
    """Return a function that runs the script on two ranks and returns what was observed and what was printed."""
    torchrun = Path(sys.executable).with_name("torchrun")
    torchrun = torchrun if torchrun.exists() else shutil.which("torchrun")
    if not torchrun:
        pytest.skip("torchrun is not installed")
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(textwrap.dedent(SCRIPT))

    def run(*launcher):
        command = [
            *launcher,
            "--nproc-per-node",
            "2",
            "--rdzv-backend",
            "c10d",
            "--rdzv-endpoint",
            "localhost:0",
            "train.py",
        ]
        return watch(command, compare_s=5.0), capfd.readouterr().out

    return lambda module=False: run(*([sys.executable, "-m", "torch.distributed.run"] if module else [str(torchrun)]))


@pytest.mark.parametrize("module", [False, True], ids=["torchrun", "python -m torch.distributed.run"])
def test_the_loops_of_all_ranks_are_timed(launch, module):
    observed, printed = launch(module)
    assert observed.exit_code == 0
    assert sorted(line for line in printed.splitlines() if line.startswith("rank")) == [
        "rank 0 of 2: True",
        "rank 1 of 2: True",
    ]
    loops = [loop for loop in diagnose(observed).loops if loop.kind == "torch"]
    assert sum(loop.batches for loop in loops) == 16
    assert {loop.place for loop in loops} == {"train.py:18"}


def test_a_rank_that_fails_is_the_launchers_exit_code(launch, monkeypatch):
    monkeypatch.setenv("CODE", "3")
    observed, printed = launch()
    assert observed.exit_code == 1
    assert printed.count("True") == 2
