# SPDX-License-Identifier: MIT
"""Facts about this installation, for `fastbatch info` and bug reports."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numpy as np

import fastbatch
from fastbatch.native import codecs, kernels

_LIBRARIES = re.compile(r"lib(jpeg|turbojpeg|webp|webpdemux|deflate|z|hwy)[-.]")


def facts() -> dict[str, str]:
    """Return names and values: versions, instruction sets, CPUs, and the loaded libraries."""
    return {
        "fastbatch": f"{fastbatch.__version__}, {Path(fastbatch.__file__).parent}",
        "Python": f"{platform.python_version()}, {platform.platform()}",
        "NumPy": np.__version__,
        "SIMD": f"{kernels.active_target()} in use; this CPU can {', '.join(kernels.supported_targets())}",
        "CPUs": f"{kernels.available_cpus()} of {os.cpu_count()} for this process",
        "libjpeg": libjpeg(),
        "Pillow": pillow(),
        "libraries": ", ".join(_loaded_libraries()) or "linked statically, or unknown on this system",
    }


def libjpeg() -> str:
    """Return the version of libjpeg-turbo, and whether its pixels are those of the installed Pillow."""
    own = codecs.libjpeg_version()
    try:
        from PIL import features
    except ImportError:
        return f"libjpeg-turbo {own}; Pillow is not installed"
    other = features.version_feature("libjpeg_turbo") or "none"
    if own.split(".")[0] == other.split(".")[0]:
        return f"libjpeg-turbo {own}, Pillow has {other}: the same pixels"
    return (
        f"libjpeg-turbo {own}, Pillow has {other}: other pixels for progressive JPEG files whose scans are missing, "
        "if they are scaled down while decoding; otherwise Pillow decodes them, and lossless JPEG"
    )


def pillow() -> str:
    """Return the version of Pillow, and whether it resizes as `exact=True` does."""
    try:
        import PIL
    except ImportError:
        return "not installed"
    major, minor = (int(number) for number in PIL.__version__.split(".")[:2])
    if major >= 13:
        return f"{PIL.__version__}: the pixels of exact=True"
    if (major, minor) >= (12, 3):
        where = "a height shrinks more than twice as much as the width"
        return f"{PIL.__version__}: other pixels than exact=True where {where}"
    return f"{PIL.__version__}: fastbatch needs 12.3 or newer; older ones decode some PNG files to other pixels"


def _loaded_libraries() -> list[str]:
    """Return the file names of the shared codec libraries in this process; the names contain the versions."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:
        return []
    files = {line.split(maxsplit=5)[5] for line in maps.splitlines() if len(line.split(maxsplit=5)) == 6}
    return sorted(path for path in files if _LIBRARIES.match(Path(path).name))
