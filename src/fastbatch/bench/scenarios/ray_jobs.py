# SPDX-License-Identifier: MIT
"""How much faster are three nodes of a Ray cluster than one, at a job that waits for the store?"""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.delayed_store import DelayedStore
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

TARGETS = (Target(of="3 nodes / 1 node", at_least=2.5),)
DELAY_S = 0.5
PART_FILES = 16
ROUNDS = 3


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 48 if smoke else 384
    return Job(kind="jpeg", data=str(data.jpegs(folder, 40)), n=n, batch_size=1, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Verify objects with one node, then with three. The reports are compared with that of one process."""
    fastbatch = package(subject)
    try:
        import obstore  # noqa: F401
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        raise Skipped("Ray or obstore is not installed") from None
    os.environ["FASTBATCH_STORE_CACHE_BYTES"] = "0"
    paths = sorted(Path(job.data).rglob("*.jpg"))
    contents = [path.read_bytes() for path in paths]
    contents[0] = contents[0][:1000]
    objects = {f"{i}.jpg": contents[i % len(contents)] for i in range(job.n)}
    store = DelayedStore(objects, DELAY_S)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        urls = [f"{store.url}/{name}" for name in objects]
        expected = [bad.sample for bad in fastbatch.verify(fastbatch.encoded(list(objects.values()))).bad]
        one = _seconds(urls, expected)
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        three = _seconds(urls, expected)
    finally:
        ray.shutdown()
        cluster.shutdown()
        store.close()
    return {"3 nodes / 1 node": one / three, "1 node (s)": one, "3 nodes (s)": three}


def _seconds(urls: list[str], expected: list[int]) -> float:
    """Return the time of one job, after one in which workers start and import fastbatch."""
    from fastbatch.api.image_data import open_images
    from fastbatch.native.backend import NativeBackend
    from fastbatch.ray.verify_job import verify_parts

    samples = open_images(NativeBackend(), urls).samples
    times: list[Any] = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        parts = list(verify_parts(samples, on="ray", part_files=PART_FILES))
        times.append(time.perf_counter() - start)
        found = sorted(bad.sample for part in parts for bad in part.bad)
        if found != expected:
            raise RuntimeError(f"expected bad objects {expected}, found {found}")
    return median(times[1:])
