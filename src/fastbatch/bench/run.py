# SPDX-License-Identifier: MIT
"""A run: scenario after scenario, from settings to results."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from . import drive, own_images, results
from .job import Job, Skipped
from .measure import measure
from .race import names, race
from .settings import Settings, Silent, Watch


def run(
    settings: Settings, watch: Watch | None = None, show: Callable[[str, dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Run the scenarios and return the results.

    Args:
        watch: Is told of every step.
        show: Is called with the name and the result of each scenario, as soon as it is done.
    """
    watch = watch or Silent()
    found: dict[str, Any] = {
        "smoke": settings.smoke,
        "rounds": settings.rounds,
        "threads": settings.threads[0] if len(settings.threads) == 1 else list(settings.threads),
        "images": str(settings.images) if settings.images else None,
        "machine": results.machine(),
        "code": results.code(drive.environment()),
        "scenarios": {},
    }
    for name in settings.scenarios:
        for threads in settings.threads:
            title = name if len(settings.threads) == 1 else f"{name}, {threads} thread{'s' if threads > 1 else ''}"
            found["scenarios"][title] = result = _scenario(name, threads, settings, watch)
            watch.end()
            if show:
                show(title, result)
    return found


def has_failed(found: dict[str, Any]) -> bool:
    """Return whether a contestant or a measurement failed; a missed target is no failure."""
    words = [
        one.get("skipped", "")
        for result in found["scenarios"].values()
        for one in (result, *result.get("contestants", {}).values())
    ]
    return any("failed" in one for one in words)


def _scenario(name: str, threads: int, settings: Settings, watch: Watch) -> dict[str, Any]:
    scenario = importlib.import_module(f"fastbatch.bench.scenarios.{name}")
    result: dict[str, Any] = {"question": (scenario.__doc__ or "").strip()}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            watch.begin(name, 1)
            job = _job(scenario, threads, settings)
            result["job"] = {key: value for key, value in asdict(job).items() if key not in ("data", "ids")}
            if hasattr(scenario, "RIVALS"):
                steps = len(names(scenario, job, settings)) * (1 + settings.rounds)
                watch.begin(name, steps)
                result.update(race(scenario, job, settings, watch, Path(scratch)))
            else:
                result.update(measure(name, scenario, job, settings.subject, Path(scratch)))
    except Skipped as reason:
        result["skipped"] = str(reason)
    except ModuleNotFoundError as error:
        result["skipped"] = f"{error.name} is not installed"
    return result


def _job(scenario: ModuleType, threads: int, settings: Settings) -> Job:
    if settings.images is None:
        made: Job = scenario.job(settings.data, threads, settings.smoke)
        return made
    if not hasattr(scenario, "adapt"):
        raise Skipped("reads no photographs (--images)")
    adapted: Job = scenario.adapt(own_images.job(settings.images, settings.data, threads))
    return adapted
