# SPDX-License-Identifier: MIT
"""How much faster is the JPEG folder on two threads than on one, next to what libjpeg-turbo alone gains?"""

from __future__ import annotations

from fastbatch.bench.job import Job, Target
from fastbatch.bench.scenarios import jpeg_folder
from fastbatch.bench.scenarios.jpeg_folder import UNIT, job

RIVALS = ("fastbatch-t1", "fastbatch-t2")
TARGETS = (Target(of="fastbatch-t2", to="fastbatch-t1", at_least=1.85),)


def limits(job: Job) -> dict[str, list[str]]:
    command = jpeg_folder.limits(job)["limit"][:-1]
    return {"limit-t1": [*command, "1"], "limit-t2": [*command, "2"]}


__all__ = ["RIVALS", "TARGETS", "UNIT", "job", "limits"]
