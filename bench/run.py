# SPDX-License-Identifier: MIT
"""Races the loader against its rivals and against the machine's limits; bench/README.md describes the method.

    python bench/run.py                                    everything (about half an hour on two cores)
    python bench/run.py --smoke                            everything, tiny: does it work? (under a minute)
    python bench/run.py --scenario rows_shuffled --rivals fastbatch,numpy --rounds 5

The results go to bench/results, with --smoke to the folder of the data.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from time import sleep
from types import ModuleType
from typing import Any

import check
import data
import drive
import report
import scenarios
from job import Job, Skipped

COLD = 0.01  # the largest fraction of a file in memory that counts as cold


def main() -> int:
    """Run the selected scenarios; return 1 if a contestant failed (a missed target is not a failure)."""
    arguments = parse(sys.argv[1:])
    results: dict[str, Any] = {
        "smoke": arguments.smoke,
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "machine": report.machine(),
        "code": report.code(drive.environment()),
        "scenarios": {},
    }
    failed = False
    for name in arguments.scenario:
        scenario = importlib.import_module(f"scenarios.{name}")
        result: dict[str, Any] = {"question": (scenario.__doc__ or "").strip()}
        try:
            job = scenario.job(arguments.data, arguments.threads, arguments.smoke)
            result["job"] = {key: value for key, value in asdict(job).items() if key not in ("data", "ids")}
            with tempfile.TemporaryDirectory() as scratch:
                run = race if hasattr(scenario, "RIVALS") else measure
                result.update(run(name, scenario, job, arguments, Path(scratch)))
        except Skipped as reason:
            result["skipped"] = str(reason)
        except ModuleNotFoundError as error:
            result["skipped"] = f"{error.name} is not installed"
        failed |= any("failed" in one.get("skipped", "") for one in result.get("contestants", {}).values())
        failed |= "failed" in result.get("skipped", "")
        results["scenarios"][name] = result
        report.show(name, result)
        sys.stdout.flush()
    print(f"\nwritten to {report.save(results, arguments.results)}")
    return 1 if failed else 0


def race(name: str, scenario: ModuleType, job: Job, arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Check every contestant's batches, warm it up, then time all of them in interleaved rounds."""
    found: dict[str, dict[str, Any]] = {}
    running: dict[str, drive.Contestant] = {}
    expect(job, scratch)

    def attempt(step: Callable[[str], None], contestant: str) -> None:
        # The failure of one contestant is reported in the table and does not end the race.
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
            command = command_of(contestant, scenario, job, arguments.data)
            process = stack.enter_context(drive.Contestant(contestant, command, scratch / f"{contestant}.log"))
            running[contestant] = process
            words = inspect(process, job, scratch)
            about = {key: value for key, value in process.about.items() if key != "ready"}
            found[contestant] = {"check": words, "config": "C++", **about, "rates": [], "cores": []}
            time_once(process, job)

        def time(contestant: str) -> None:
            rate, cores = time_once(running[contestant], job)
            found[contestant]["rates"].append(rate)
            found[contestant]["cores"].append(cores)

        for contestant in names(scenario, job, arguments):
            attempt(admit, contestant)
        for number in range(arguments.rounds):
            for contestant in random.Random(number).sample(list(running), len(running)):
                attempt(time, contestant)
    for one in found.values():
        if "rates" in one:
            one.update(median=median(one["rates"]), min=min(one["rates"]), max=max(one["rates"]))
            one["per_cpu_s"] = median(
                rate / max(cores, 1e-6) for rate, cores in zip(one["rates"], one["cores"], strict=True)
            )
            one.update(cores=median(one["cores"]))
    result = {"unit": scenario.UNIT, "cache": "cold" if job.is_cold else "warm", "contestants": found}
    return {**result, "targets": report.judge_race(result, scenario.TARGETS)}


def expect(job: Job, scratch: Path) -> None:
    """Compute an epoch in the simplest way, for comparison with the contestants' batches."""
    if job.crop != "random_resized":
        check.expect(job).save(scratch / "expected.npz")
        return
    # fastbatch.pure draws the same boxes as the package, and its pixels are Pillow's.
    command = drive.worker("race", "pure", job=replace(job, shuffle=False, exact=True))
    with drive.Contestant("expected", command, scratch / "expected.log") as process:
        process.ask(f"check {scratch / 'expected.npz'}")


def names(scenario: ModuleType, job: Job, arguments: argparse.Namespace) -> list[str]:
    """Return the contestants to run, the limits first."""
    # A smoke run uses each library once per kind of data, since importing libraries takes most of its time.
    every = getattr(scenario, "SMOKE", scenario.RIVALS) if arguments.smoke else scenario.RIVALS
    wanted = arguments.rivals
    return [
        name
        for name in (*scenario.limits(job), *every)
        if wanted is None or name in wanted or name.partition("-")[0] in wanted
    ]


def command_of(contestant: str, scenario: ModuleType, job: Job, folder: Path) -> list[str]:
    """Return the command line that starts a contestant; raises Skipped if the limits do not compile."""
    if words := scenario.limits(job).get(contestant):
        return [str(drive.build_limits(folder)), *words]
    return drive.worker("race", contestant, job=job)


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


def time_once(process: drive.Contestant, job: Job) -> tuple[float, float]:
    """Time one epoch; return samples per second and the number of busy cores."""
    make_cold(job)
    timed = process.ask("epoch")
    if timed["samples"] != job.n:
        raise RuntimeError(f"expected {job.n} samples, found {timed['samples']}")
    return timed["samples"] / timed["seconds"], timed["cpu_s"] / timed["seconds"]


def measure(name: str, scenario: ModuleType, job: Job, arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run a measurement of the package under test in its own process."""
    command = drive.worker("measure", name, arguments.subject, job=job)
    with (scratch / "log").open("w+") as log:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=drive.environment(), check=False
        )
        log.seek(0)
        last = (log.read().strip().splitlines() or ["ended without a word"])[-1]
    if done.returncode != 0:
        raise Skipped(f"failed: {last}")
    answer = json.loads(done.stdout)
    if "skipped" in answer:
        raise Skipped(answer["skipped"])
    return {"values": answer["values"], "targets": report.judge_values(answer["values"], scenario.TARGETS)}


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--scenario", type=listed, default=list(scenarios.NAMES), help=", ".join(scenarios.NAMES))
    parser.add_argument("--rivals", type=listed, help="contestants, or whole libraries (torch); default: all")
    parser.add_argument("--rounds", type=int, help="timed epochs of each contestant (default 7, with --smoke 1)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads or workers")
    parser.add_argument(
        "--smoke", action="store_true", help="everything at tiny sizes: shows that it works, not how fast"
    )
    parser.add_argument(
        "--subject", default="fastbatch", help="what the measurements measure: fastbatch or fastbatch.pure"
    )
    parser.add_argument("--data", type=Path, default=data.default_folder(), help="where the data sets are kept")
    parser.add_argument("--results", type=Path, help="folder of the result file (bench/results; smoke: in --data)")
    arguments = parser.parse_args(words)
    unknown = set(arguments.scenario) - set(scenarios.NAMES)
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(scenarios.NAMES)}")
    kept = arguments.data if arguments.smoke else Path(__file__).resolve().parent
    arguments.results = arguments.results or kept / "results"
    arguments.rounds = arguments.rounds or (1 if arguments.smoke else 7)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
