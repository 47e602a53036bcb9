# SPDX-License-Identifier: MIT
"""What watching costs: `fastbatch doctor` around a script, and `loader.profile()` around a loop.

    python bench/overhead.py --rounds 7

Each round runs every script twice at the same time, with and without, on the same CPUs: both wait for each other before
their loops, so that other programs, clock rates and caches slow both. The figure is the median over the rounds of the
ratio of the CPU seconds of the two loops, with the processes that they start, and with the doctor's own process while
they ran. The range is that of the middle half of the rounds. The start of Python does not count. What the doctor does
ten or twenty times a second weighs more where the loop has but a part of a CPU, which is printed beside it: on a busy
machine the figures are larger. "nothing" is a script beside itself: it shows how far the figures are to be trusted.
`--pieces` times the agent's functions alone, which takes a second.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# Each script calls `begins()` before its loop, and `ends()` after it.
TIMED = """
import resource, sys, time
import numpy as np

def cpu_s():
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)

def begins():
    global start, begin
    print("ready", flush=True)
    sys.stdin.readline()
    begin, start = time.perf_counter(), cpu_s()

def ends():
    print(cpu_s() - start, time.perf_counter() - begin, flush=True)
"""
GENERATOR = """
class Rows:
    def __len__(self):
        return 25_600
    def __getitem__(self, i):
        return np.sqrt(np.arange(5000, dtype=np.float32) + i), i

def batches(data):
    for k in range(100):
        yield np.stack([data[i][0] for i in range(32 * k, 32 * k + 32)])

data = Rows()
weights = np.ones((5000, 64), np.float32)
"""
LOOP = """
begins()
for epoch in range(40):
    for x in batches(data):
        x @ weights
ends()
"""
TORCH = """
import torch
from torch.utils.data import DataLoader
torch.set_num_threads(1)
loader = DataLoader(data, batch_size=32, shuffle=True, num_workers={workers})
begins()
for epoch in range({epochs}):
    for x, y in loader:
        x.numpy() @ weights
ends()
"""
PROFILE = """
import contextlib
import fastbatch
loader = {loader}
list(loader.take(2))
begins()
with loader.profile(events=20_000) if len(sys.argv) > 1 else contextlib.nullcontext():
    for batch in loader.repeat({epochs}):
        pass
ends()
"""
ROWS = "fastbatch.arrays(np.ones((20_000, 784), np.float32), batch_size=256, shuffle=True)"
PHOTOS = "fastbatch.images({folder!r}, size=224, batch_size=16)"
DOCTOR = """
import sys, time
from fastbatch.doctor.watch import watch
begin, start = time.perf_counter(), time.process_time()
watch(sys.argv[1:], compare_s=0)
print((time.process_time() - start) / (time.perf_counter() - begin))
"""


def scripts(folder: Path) -> dict[str, str]:
    """Return the scripts by name."""
    pictures = PHOTOS.format(folder=str(photos(folder)))
    return {
        "nothing: generator beside itself": GENERATOR + LOOP,
        "doctor: generator": GENERATOR + LOOP,
        "doctor: DataLoader": GENERATOR + TORCH.format(workers=0, epochs=4),
        "doctor: DataLoader, 2 workers": GENERATOR + TORCH.format(workers=2, epochs=1),
        "profile: rows of 3,136 bytes, batch 256": PROFILE.format(loader=ROWS, epochs=400),
        "profile: JPEGs of 500 x 375, batch 16": PROFILE.format(loader=pictures, epochs=80),
    }


def both(script: Path, kind: str) -> tuple[float, float]:
    """Run a script that is watched beside the same that is not: the ratio of their CPU seconds, and the CPUs it had."""
    plain = [sys.executable, str(script)]
    watched = {
        "nothing": plain,
        "doctor": [sys.executable, "-c", DOCTOR, *plain],
        "profile": [*plain, "profiled"],
    }[kind]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for one in (watched, plain)
    ]
    for one in running:
        if one.stdout.readline() != "ready\n":  # type: ignore[union-attr]
            raise RuntimeError(f"{script} ended before its loop")
    for one in running:
        one.stdin.write("go\n")  # type: ignore[union-attr]
        one.stdin.flush()  # type: ignore[union-attr]
    (cpu_s, elapsed_s, *doctors_share), (plain_s, _) = (map(float, one.communicate()[0].split()) for one in running)
    return (cpu_s + sum(doctors_share) * elapsed_s) / plain_s, cpu_s / elapsed_s


def photos(folder: Path) -> Path:
    """Return a folder of JPEG files."""
    from PIL import Image

    generator = np.random.default_rng(0)
    (folder / "photos" / "a").mkdir(parents=True)
    for i in range(60):
        small = generator.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(small).resize((500, 375)).save(folder / "photos" / "a" / f"{i}.jpg")
    return folder / "photos"


def batch_us(one: Any) -> float:
    """Return what the agent does for a batch whose data fill the CPU's caches: a median."""
    data = np.ones(4 << 20, np.uint8)
    now, times = time.perf_counter, []
    for _ in range(2000):
        begin = now()
        one.enter()
        entered = now()
        data += 1
        made = now()
        one.leave(True)
        left = now()
        data += 1
        nothing = now()
        times.append(entered - begin + left - made - 2 * (now() - nothing))
    return float(np.median(times)) * 1e6


def print_pieces() -> None:
    """Print what the agent's functions cost: but for that of a batch, the least of five runs."""
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
    again_us = least_us(lambda: (one.enter(), one.leave(True)))
    print(f"a batch:        {batch_us(one):.1f} us; without work in between {again_us:.1f} us")
    print(f"a look:         {look(30):.1f} us, 20 times a second")
    plain = least_us(lambda: open(os.devnull).close())
    files.install()
    record.enter_thread(source)
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
    ratios: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        named = scripts(Path(name))
        paths = {what: Path(name, f"{number}.py") for number, what in enumerate(named)}
        for what, path in paths.items():
            path.write_text(TIMED + named[what])
        for _ in range(options.rounds):
            for what, path in random.sample(sorted(paths.items()), len(paths)):
                ratios.setdefault(what, []).append(both(path, what.partition(":")[0]))
    for what, values in sorted(ratios.items()):
        (low, middle, high), cpus = np.quantile(values, [0.25, 0.5, 0.75], axis=0).T
        spread = f"half of {len(values)} rounds: {low - 1:+.1%} to {high - 1:+.1%}"
        print(f"{what:<45} {middle - 1:+.1%}   ({spread}; {cpus[1]:.2f} CPUs)")


if __name__ == "__main__":
    main()
