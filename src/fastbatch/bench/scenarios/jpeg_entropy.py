# SPDX-License-Identifier: MIT
"""How much faster than libjpeg-turbo's is the entropy decoding alone, and the skipping, at 4:2:0 and quality 90?"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from fastbatch.bench import data, drive
from fastbatch.bench.job import Job, Skipped, Target

TARGETS = (
    Target(of="full / libjpeg-turbo", at_least=1.4),
    Target(of="skipped / libjpeg-turbo", at_least=2.8),
)
SOURCES = ("bits", "headers", "huffman", "seek_path", "seek_table", "sequential")  # of csrc/codecs/jpeg
ROUNDS = 7


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 40 if smoke else 300
    files = data.recoded_jpegs(folder, n, "420", subsampling="4:2:0")
    return Job(kind="jpeg", data=str(files), n=n, batch_size=1, threads=1)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Run the program, which takes turns with libjpeg-turbo and returns medians."""
    checkout = drive.HERE.parents[2]
    core, race = checkout / "csrc", checkout / "bench" / "kernels" / "jpeg_entropy.cpp"
    if not (race.is_file() and core.is_dir()):
        raise Skipped("the sources of the core are not here: run it in a checkout")
    sources = [race, *(core / "codecs/jpeg" / f"{one}.cpp" for one in SOURCES)]
    headers = sorted((core / "codecs/jpeg").glob("*.h"))
    program = drive.build(Path(job.data).parent, "jpeg-entropy", sources, (*sources, *headers), "-I", str(core))
    done = subprocess.run([program, job.data, str(job.n), str(ROUNDS)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    values: dict[str, float] = json.loads(done.stdout)
    return values
