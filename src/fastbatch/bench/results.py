# SPDX-License-Identifier: MIT
"""Result files: what was measured, on which machine, and with which code."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fastbatch
from fastbatch.system import available_cpus

SIMD = "import fastbatch; from fastbatch import _core; print(_core.active_target())"


def machine() -> dict[str, Any]:
    """Return the properties of the machine that affect the results."""
    cpu = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": cpu or platform.machine(),
        "cpus": available_cpus(),
        "load_at_start": os.getloadavg()[0],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
    }


def code(environment: dict[str, str]) -> dict[str, Any]:
    """Return the version of the measured code, and the instruction set of its kernels; the commit in a checkout."""
    here = Path(__file__).resolve().parent
    is_checkout = bool(_output(["git", "ls-files", "--", __file__], here))
    return {
        "version": fastbatch.__version__,
        "commit": _output(["git", "rev-parse", "HEAD"], here) if is_checkout else None,
        "is_modified": is_checkout and bool(_output(["git", "status", "--porcelain", "--untracked-files=no"], here)),
        "simd": _output([sys.executable, "-c", SIMD], here, environment),
    }


def _output(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str | None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    except OSError:  # no git
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def name() -> str:
    """Return the name of a result file, without its suffix: the time."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}"


def save(results: dict[str, Any], path: Path) -> Path:
    """Write a result file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    return path
