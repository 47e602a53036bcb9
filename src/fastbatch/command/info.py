# SPDX-License-Identifier: MIT
"""Facts about this installation, for `fastbatch info` and bug reports."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numpy as np

import fastbatch
from fastbatch.native import kernels

_LIBRARIES = re.compile(r"lib(jpeg|turbojpeg|webp|webpdemux|deflate|z|hwy)[-.]")


def facts() -> dict[str, str]:
    """Return names and values: versions, instruction sets, CPUs, and the loaded libraries."""
    return {
        "fastbatch": f"{fastbatch.__version__}, {Path(fastbatch.__file__).parent}",
        "Python": f"{platform.python_version()}, {platform.platform()}",
        "NumPy": np.__version__,
        "SIMD": f"{kernels.active_target()} in use; this CPU can {', '.join(kernels.supported_targets())}",
        "CPUs": f"{kernels.available_cpus()} of {os.cpu_count()} for this process",
        "libraries": ", ".join(_loaded_libraries()) or "linked statically, or unknown on this system",
    }


def _loaded_libraries() -> list[str]:
    """Return the file names of the shared codec libraries in this process; the names contain the versions."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:
        return []
    files = {line.split(maxsplit=5)[5] for line in maps.splitlines() if len(line.split(maxsplit=5)) == 6}
    return sorted(path for path in files if _LIBRARIES.match(Path(path).name))
