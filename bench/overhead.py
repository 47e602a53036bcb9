# SPDX-License-Identifier: MIT
"""What watching costs: `fastbatch doctor` around a script, and `loader.profile()` around a loop.

    python bench/overhead.py --rounds 7

The doctor: each round runs every script twice at the same time, with and without, on the same CPUs: both wait for each
other before their loops, so that other programs, clock rates and caches slow both. The figure is the median over the
rounds of the ratio of the CPU seconds of the two loops, with the processes that they start, and with the doctor's own
process while they ran. The start of Python does not count. What the doctor does ten or twenty times a second weighs
more where the loop has but a part of a CPU, which is printed beside it: on a busy machine the figures are larger.

`profile`: each round is a process in which loops with and without take turns, and the figure the median over the rounds
of the median ratio of their CPU seconds.

The range is that of the middle half of the rounds. "nothing" is a loop beside itself: it shows how far the figures are
to be trusted. `--pieces` times the agent's functions alone, which takes a second.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
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
import contextlib, time
import numpy as np
import fastbatch

def cpu_s(profiled):
    with loader.profile(events=20_000) if profiled else contextlib.nullcontext():
        start = time.process_time()
        for batch in loader.repeat({epochs}):
            pass
        return time.process_time() - start

loader = {loader}
cpu_s(True), cpu_s(False)
ratios = []
for turn in range({turns}):
    first = turn % 2 == 0
    one, other = cpu_s({profiled} and first), cpu_s({profiled} and not first)
    ratios.append(one / other if first else other / one)
print(np.median(ratios))
"""
ROWS = "fastbatch.arrays(np.ones((20_000, 784), np.float32), batch_size=256, shuffle=True)"
PHOTOS = "fastbatch.images({folder!r}, size=224, batch_size=16)"
WATCH = """
import sys, time
from fastbatch.doctor.watch import watch
begin, start = time.perf_counter(), time.process_time()
watch(sys.argv[1:], compare_s=0)
print((time.process_time() - start) / (time.perf_counter() - begin))
"""
DOCTOR = (sys.executable, "-c", WATCH)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def scripts(folder: Path) -> dict[str, tuple[str, Callable[[Path], tuple[float, str]]]]:
    """Return the scripts and how each is measured, by name."""
    rows = {"loader": ROWS, "epochs": 5, "turns": 20}
    pictures = {"loader": PHOTOS.format(folder=str(photos(folder))), "epochs": 10, "turns": 4}
    generator = TIMED + GENERATOR + LOOP
    torch, workers = (TIMED + GENERATOR + TORCH.format(workers=n, epochs=epochs) for n, epochs in ((0, 4), (2, 1)))
    return {
        "nothing: generator": (generator, partial(beside, ())),
        "doctor: generator": (generator, partial(beside, DOCTOR)),
        "doctor: DataLoader": (torch, partial(beside, DOCTOR)),
        "doctor: DataLoader, 2 workers": (workers, partial(beside, DOCTOR)),
        "nothing: rows, in turns": (PROFILE.format(**rows, profiled=False), in_turns),
        "profile: rows of 3,136 bytes, batch 256": (PROFILE.format(**rows, profiled=True), in_turns),
        "profile: JPEGs of 500 x 375, batch 16": (PROFILE.format(**pictures, profiled=True), in_turns),
    }


def beside(watcher: Sequence[str], script: Path) -> tuple[float, str]:
    """Run a script that is watched beside the same that is not: the ratio of their CPU seconds, and the CPUs it had."""
    plain = [sys.executable, str(script)]
    commands = [[*watcher, *plain], plain]
    running: list[Any] = [None, None]
    for i in random.sample(range(2), 2):  # the first has an advantage
        running[i] = subprocess.Popen(
            commands[i], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
    for one in running:
        if one.stdout.readline() != "ready\n":
            raise RuntimeError(f"{script} ended before its loop")
    for one in random.sample(running, 2):
        one.stdin.write("go\n")
        one.stdin.flush()
    (cpu_s, elapsed_s, *doctors_share), (plain_s, _) = (map(float, one.communicate()[0].split()) for one in running)
    return (cpu_s + sum(doctors_share) * elapsed_s) / plain_s, f"; {cpu_s / elapsed_s:.2f} CPUs"


def in_turns(script: Path) -> tuple[float, str]:
    """Run a script that measures a loop with and without by turns: the ratio of the CPU seconds."""
    made = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, check=True)
    return float(made.stdout), ""


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
    ratios: dict[str, list[float]] = {}
    more: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        named = scripts(Path(name))
        paths = {what: Path(name, f"{number}.py") for number, what in enumerate(named)}
        for what, path in paths.items():
            path.write_text(named[what][0])
        for _ in range(options.rounds):
            for what, path in random.sample(sorted(paths.items()), len(paths)):
                ratio, more[what] = named[what][1](path)
                ratios.setdefault(what, []).append(ratio)
    for what, values in sorted(ratios.items()):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        spread = f"half of {len(values)} rounds: {low - 1:+.1%} to {high - 1:+.1%}{more[what]}"
        print(f"{what:<41} {middle - 1:+.1%}   ({spread})")


if __name__ == "__main__":
    main()
