# SPDX-License-Identifier: MIT
"""One measurement: a scenario's named values, from a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

from . import drive, report
from .job import Job, Skipped


def measure(name: str, scenario: ModuleType, job: Job, subject: str, scratch: Path) -> dict[str, Any]:
    """Run a measurement of `fastbatch` or `fastbatch.pure`. Raises `Skipped` with the reason."""
    command = drive.worker("measure", name, subject, job=job)
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
