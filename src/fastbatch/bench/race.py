# SPDX-License-Identifier: MIT
"""One race: every contestant's batches are checked, then timed in interleaved rounds (bench/README.md)."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import sleep
from types import ModuleType
from typing import Any

from . import check, drive, report
from .job import Job, Skipped
from .noise import Meter
from .settings import Settings, Watch
from .verdict import verdict

COLD = 0.01  # the largest fraction of a file in memory that counts as cold


def race(scenario: ModuleType, job: Job, settings: Settings, watch: Watch, scratch: Path) -> dict[str, Any]:
    """Check every contestant's batches, warm it up, then time all of them in interleaved rounds."""
    found: dict[str, dict[str, Any]] = {}
    running: dict[str, drive.Contestant] = {}
    meter = Meter()
    watch.step("expected batches")
    expect(job, scratch)

    def attempt(step: Callable[[str], None], contestant: str) -> None:
        # The failure of one contestant is reported in the table and does not end the race.
        watch.step(contestant)
        try:
            step(contestant)
        except Skipped as reason:
            found[contestant] = {"skipped": f"skipped: {reason}"}
        except (RuntimeError, OSError) as error:
            found[contestant] = {"skipped": f"failed: {error}"}
            if contestant in running:
                running.pop(contestant).close()

    with ExitStack() as stack:

        def admit(contestant: str) -> None:
            command = command_of(contestant, scenario, job, settings.data)
            environment = environment_of(contestant, settings)
            process = stack.enter_context(
                drive.Contestant(contestant, command, scratch / f"{contestant}.log", environment)
            )
            running[contestant] = process
            words = inspect(process, job, scratch)
            about = {key: value for key, value in process.about.items() if key != "ready"}
            found[contestant] = {"check": words, "config": "C++", **about, "rates": [], "cores": []}
            time_once(process, job)

        def time(contestant: str) -> None:
            with meter:
                rate, cores, cpu_s = time_once(running[contestant], job)
            meter.add_own(cpu_s)
            found[contestant]["rates"].append(rate)
            found[contestant]["cores"].append(cores)

        for contestant in names(scenario, job, settings):
            attempt(admit, contestant)
        for number in range(settings.rounds):
            for contestant in random.Random(number).sample(list(running), len(running)):
                attempt(time, contestant)
    for one in found.values():
        if "rates" in one:
            one.update(_summary(one["rates"], one["cores"]))
    result = {"unit": scenario.UNIT, "cache": "cold" if job.is_cold else "warm", "contestants": found}
    result["noise"] = meter.found()
    return {**result, "verdict": verdict(result), "targets": report.judge_race(result, scenario.TARGETS)}


def _summary(rates: list[float], cores: list[float]) -> dict[str, float]:
    return {
        "median": median(rates),
        "min": min(rates),
        "max": max(rates),
        "per_cpu_s": median(rate / max(busy, 1e-6) for rate, busy in zip(rates, cores, strict=True)),
        "cores": median(cores),
    }


def expect(job: Job, scratch: Path) -> None:
    """Compute an epoch in the simplest way, for comparison with the contestants' batches."""
    if job.crop != "random_resized":
        check.expect(job).save(scratch / "expected.npz")
        return
    # fastbatch.pure draws the same boxes as the package, and its pixels are Pillow's.
    command = drive.worker("race", "pure", job=replace(job, shuffle=False, exact=True))
    with drive.Contestant("expected", command, scratch / "expected.log") as process:
        process.ask(f"check {scratch / 'expected.npz'}")


def names(scenario: ModuleType, job: Job, settings: Settings) -> list[str]:
    """Return the contestants to run, the limits first."""
    # A smoke run uses each library once per kind of data, since importing libraries takes most of its time.
    is_short = settings.smoke and settings.rivals is None
    every = list(getattr(scenario, "SMOKE", scenario.RIVALS) if is_short else scenario.RIVALS)
    every += [f"fastbatch-{simd}" for simd in settings.simd if "fastbatch" in every]
    wanted = settings.rivals
    chosen = [
        name
        for name in (*scenario.limits(job), *every)
        if wanted is None or name in wanted or name.partition("-")[0] in wanted
    ]
    return list(dict.fromkeys(_workers(name, job.threads) for name in chosen))


def _workers(contestant: str, threads: int) -> str:
    """Return a contestant of 2 worker processes with as many as the others have threads."""
    return contestant.removesuffix("w2") + f"w{threads}" if contestant.endswith("-w2") else contestant


def command_of(contestant: str, scenario: ModuleType, job: Job, folder: Path) -> list[str]:
    """Return the command line that starts a contestant; raises Skipped if the limits do not compile."""
    if words := scenario.limits(job).get(contestant):
        return [str(drive.build_limits(folder)), *words]
    return drive.worker("race", contestant, job=job)


def environment_of(contestant: str, settings: Settings) -> dict[str, str]:
    """Return what a contestant's environment has in addition: variables that are read when fastbatch is imported."""
    library, _, variant = contestant.partition("-")
    if library == "fastbatch" and variant == "unadvised":
        return {"FASTBATCH_READAHEAD": "0"}
    return {"FASTBATCH_SIMD": variant} if library == "fastbatch" and variant in settings.simd else {}


def inspect(process: drive.Contestant, job: Job, scratch: Path) -> str:
    """Return how a rival's batches compare with the expected ones; raises RuntimeError if they are wrong."""
    if process.name.startswith("limit"):
        return "the least work, nothing handed over"
    make_cold(job)
    process.ask(f"check {scratch / process.name}.npz")
    other, own_draws = process.about["other_work"], process.about["own_draws"]
    found = scratch / f"{process.name}.npz"
    verdict = check.compare(scratch / "expected.npz", found, other, bool(job.ids), own_draws)
    if not verdict.is_sound:
        raise RuntimeError(f"its batches are wrong: {verdict.words}")
    return verdict.words


def make_cold(job: Job) -> None:
    """Drop the file from the page cache if the job requires it; raises RuntimeError if that fails."""
    left = 1.0
    for _ in range(20):
        if not job.is_cold or (left := drive.drop_cache(job.data)) <= COLD:
            return
        sleep(0.1)  # pages that are being read cannot be dropped
    raise RuntimeError(f"{left:.0%} of the file stayed in the page cache")


def time_once(process: drive.Contestant, job: Job) -> tuple[float, float, float]:
    """Time one epoch; return samples per second, the number of busy cores, and the seconds of CPU time."""
    make_cold(job)
    timed = process.ask("epoch")
    if timed["samples"] != job.n:
        raise RuntimeError(f"expected {job.n} samples, found {timed['samples']}")
    return timed["samples"] / timed["seconds"], timed["cpu_s"] / timed["seconds"], timed["cpu_s"]
