# SPDX-License-Identifier: MIT
"""How much memory do all processes need, while torchvision's training recipe reads a folder of JPEGs?

Each loader has a process of its own. `RSS` is the sum over the tree of processes, with what they share counted in each;
`PSS` counts a page that n of them share as 1 / n for each. Python and PyTorch themselves are in both.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target

TARGETS = (Target(of="RSS, of torch's with 2 workers", at_most=0.35),)
_EPOCHS = """
import sys
from fastbatch.bench.job import MEAN, STD
from fastbatch.bench.torchvision_import import datasets, transforms
if sys.argv[1] == "ours":
    from fastbatch.torch import DataLoader
else:
    from torch.utils.data import DataLoader
steps = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()]
steps += [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
dataset = datasets.ImageFolder(sys.argv[2], transforms.Compose(steps))
loader = DataLoader(dataset, int(sys.argv[3]), shuffle=True, num_workers=2, persistent_workers=True)
for _ in range(2):
    for _ in loader:
        pass
"""


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 1_000
    return Job(kind="jpeg", data=str(data.jpegs(folder, n)), n=n, batch_size=16 if smoke else 64, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Run two epochs of each, and take the most that the tree of processes has at a time."""
    from fastbatch.bench import torchvision_import  # noqa: F401 - raises Skipped where one is missing

    ours, torchs = _peaks("ours", job), _peaks("torch", job)
    return {
        "RSS, of torch's with 2 workers": ours[0] / torchs[0],
        "PSS, of torch's with 2 workers": ours[1] / torchs[1],
        "RSS (MB)": ours[0] / 1e6,
        "RSS with torch (MB)": torchs[0] / 1e6,
    }


def _peaks(loader: str, job: Job) -> tuple[float, float]:
    import psutil

    command = [sys.executable, "-W", "ignore", "-c", _EPOCHS, loader, job.data, str(job.batch_size)]
    process = subprocess.Popen(command)
    tree = psutil.Process(process.pid)
    rss = pss = 0.0
    while process.poll() is None:
        try:
            found = [one.memory_full_info() for one in (tree, *tree.children(recursive=True))]
        except psutil.NoSuchProcess:
            continue
        rss, pss = max(rss, sum(one.rss for one in found)), max(pss, sum(one.pss for one in found))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"the process with the loader of {loader} ended with {process.returncode}")
    return float(rss), float(pss)
