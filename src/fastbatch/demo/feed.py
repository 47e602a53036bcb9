# SPDX-License-Identifier: MIT
"""Runs `train.py` in its own process and forwards its progress and its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict

from fastbatch.demo import DemoError

from .job import Job, Result


def run_feed(job: Job, progress: Callable[[int, int], None]) -> Result:
    """Run `job` and return its result; the process never outlives this call.

    Raises:
        DemoError: The loader rejected the data (with its message), or the process died.
    """
    # The child imports the same modules as this process, wherever they are installed. It runs in a new session so that
    # Ctrl-C reaches this process only: one message appears instead of two tracebacks.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "fastbatch.demo.train", json.dumps(asdict(job))]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                message = json.loads(line)
                if "result" in message:
                    return Result(**message["result"])
                if "error" in message:
                    raise DemoError(message["error"])
                progress(message["done"], message["total"])
        except BaseException:
            process.kill()
            raise
    raise DemoError(f"the {job.feed} run on the {job.data} ended early with exit code {process.returncode}")
