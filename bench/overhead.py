# SPDX-License-Identifier: MIT
"""What watching costs: `fastbatch doctor` around a script, and `loader.profile()` around a loop.

    python bench/overhead.py --rounds 7

Each round runs every variant once, in a new order; the figure is the median over the rounds of the ratio, within a
round, of CPU seconds with and without. CPU time of the process and its children is what other programs disturb least.
The loops of scripts are timed inside the script, so that the start of Python does not count. `--pieces` times the
agent's functions alone, which takes a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LOOPS = {
    "generator": "loader = [None] * 3",
    "DataLoader": "loader = DataLoader(data, batch_size=32, shuffle=True)",
    "DataLoader, 2 workers": "loader = DataLoader(data, batch_size=32, shuffle=True, num_workers=2)",
}
SCRIPT = """
import json, resource, sys, time
import numpy as np

def cpu_s():
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)

class Rows:
    def __len__(self):
        return 3200
    def __getitem__(self, i):
        return np.sqrt(np.arange(5000, dtype=np.float32) + i), i

def batches(data):
    for k in range(100):
        yield np.stack([data[i][0] for i in range(32 * k, 32 * k + 32)])

data = Rows()
weights = np.ones((5000, 64), np.float32)
if {uses_torch}:
    import torch
    torch.set_num_threads(1)
    from torch.utils.data import DataLoader
    {loader}
begin = cpu_s()
for epoch in range(3):
    if {uses_torch}:
        for x, y in loader:
            x.numpy() @ weights
    else:
        for x in batches(data):
            x @ weights
print(json.dumps(cpu_s() - begin))
"""


def loop_cpu_s(script: Path, with_doctor: bool) -> float:
    """Return the CPU seconds of a script's loop."""
    command = [sys.executable, str(script)]
    if with_doctor:
        code = "import sys; from fastbatch.doctor.watch import watch; watch(sys.argv[1:], compare_s=0)"
        command = [sys.executable, "-c", code, *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(json.loads(done.stdout.splitlines()[-1]))


def profile_cpu_s(make: object, profiled: bool) -> float:
    """Return the CPU seconds of two epochs of a loader, with or without a profile."""
    with make() as loader:  # type: ignore[operator]
        list(loader.take(2))
        begin = time.process_time()
        if profiled:
            with loader.profile(events=20_000):
                for _ in loader.repeat(2):
                    pass
        else:
            for _ in loader.repeat(2):
                pass
        return time.process_time() - begin


def photos(folder: Path) -> Path:
    """Return a folder of JPEG files."""
    from PIL import Image

    generator = np.random.default_rng(0)
    (folder / "photos" / "a").mkdir(parents=True)
    for i in range(60):
        small = generator.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(small).resize((500, 375)).save(folder / "photos" / "a" / f"{i}.jpg")
    return folder / "photos"


def print_pieces() -> None:
    """Print what the agent's functions cost: the least of five runs."""
    from fastbatch.doctor.agent import files, record, sampler

    def least_us(work: object, n: int = 5000) -> float:
        times = []
        for _ in range(5):
            begin = time.process_time()
            for _ in range(n):
                work()  # type: ignore[operator]
            times.append((time.process_time() - begin) / n * 1e6)
        return min(times)

    def look(depth: int) -> float:
        if depth:
            return look(depth - 1)
        frame = sys._getframe()
        return least_us(lambda: (sys._current_frames(), sampler.classify(frame)))

    record.ROOT[0] = os.devnull + os.sep  # no frame here is the user's: all 30 are looked at
    source = record.Source("loop", "a loop")
    one = record.Pass(source)
    print(f"a batch:        {least_us(lambda: (one.enter(), one.leave(True))):.1f} us")
    print(f"a look:         {look(30):.1f} us, 50 times a second")
    plain = least_us(lambda: open(os.devnull).close())
    files.install()
    record.SCOPE.stack.append(source)
    with tempfile.NamedTemporaryFile() as file:
        print(f"an opened file: {least_us(lambda: open(file.name).close()) - plain:.1f} us")


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pieces", action="store_true")
    options = parser.parse_args()
    if options.pieces:
        print_pieces()
        return
    rounds = options.rounds
    import fastbatch

    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scripts = {}
        for number, (loop, text) in enumerate(LOOPS.items()):
            scripts[loop] = folder / f"{number}.py"
            scripts[loop].write_text(SCRIPT.format(uses_torch=loop != "generator", loader=text))
        rows = np.zeros((100_000, 784), np.float32)
        pictures = photos(folder)
        loaders = {
            "rows of 3,136 bytes, batch 256": lambda: fastbatch.arrays(rows, batch_size=256, shuffle=True),
            "JPEGs of 500 x 375, batch 16": lambda: fastbatch.images(pictures, size=224, batch_size=16),
        }
        for _ in range(rounds):
            for loop, script in random.sample(sorted(scripts.items()), len(scripts)):
                pair = {with_doctor: loop_cpu_s(script, with_doctor) for with_doctor in random.sample([True, False], 2)}
                ratios.setdefault(f"doctor: {loop}", []).append(pair[True] / pair[False])
            for loader, make in loaders.items():
                pair = {profiled: profile_cpu_s(make, profiled) for profiled in random.sample([True, False], 2)}
                ratios.setdefault(f"profile: {loader}", []).append(pair[True] / pair[False])
    for what, values in ratios.items():
        print(f"{what:<45} {statistics.median(values) - 1:+.1%}   ({min(values) - 1:+.1%} to {max(values) - 1:+.1%})")


if __name__ == "__main__":
    main()
