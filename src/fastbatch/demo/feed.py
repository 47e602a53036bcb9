# SPDX-License-Identifier: MIT
"""Runs `train.py` in a process of its own and brings its progress and its result back."""

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
    """Run `job` to its end and return what it measured; the process never outlives this call.

    Raises:
        DemoError: The loader refused the data (its own message), or the process died.
    """
    # The child sees the very modules of this process, wherever they came from. Ctrl-C reaches this process only
    # (hence the new session), so that one message appears and not two tracebacks.
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
