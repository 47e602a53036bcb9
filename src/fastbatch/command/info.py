# SPDX-License-Identifier: MIT
"""`fastbatch info`: facts about this installation, for bug reports."""

from __future__ import annotations

import platform
import re
from json import dumps
from pathlib import Path

import numpy as np

import fastbatch
from fastbatch.native import codecs

from .options import Json

EXAMPLES = [
    ("fastbatch info", "for a bug report"),
    ("fastbatch info --json", "for a program"),
]
_LIBRARIES = re.compile(r"lib(jpeg|turbojpeg|webp|webpdemux|deflate|z|hwy)[-.]")


def run(json: Json = False) -> int:
    """Print versions, instruction sets, CPUs and codec libraries of this installation."""
    found = facts()
    if json:
        print(dumps(found, indent=2))
    else:
        print("\n".join(f"{name:<12} {value}" for name, value in found.items()))
    return 0


def facts() -> dict[str, str]:
    """Return names and values: versions, instruction sets, CPUs, and the loaded libraries."""
    config = codecs.configuration()
    threads = config["threads"]
    versions = ", ".join(f"{name} {version}" for name, version in config["libraries"].items())
    return {
        "fastbatch": f"{fastbatch.__version__}, {Path(fastbatch.__file__).parent}",
        "Python": f"{platform.python_version()}, {platform.platform()}",
        "NumPy": np.__version__,
        "compiler": config["build"]["compiler"],
        "SIMD": f"{config['simd']['in use']} in use; this CPU can {config['simd']['this CPU can']}",
        "CPUs": f"{threads['CPUs of this process']} of {threads['CPUs']} for this process",
        "libjpeg": libjpeg(),
        "Pillow": pillow(),
        "versions": versions,
        "libraries": ", ".join(_loaded_libraries()) or "linked statically, or unknown on this system",
    }


def libjpeg() -> str:
    """Return the version of libjpeg-turbo, and whether its pixels are those of the installed Pillow."""
    own = codecs.library_versions()["libjpeg-turbo"]
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
    return f"{PIL.__version__}: fastbatch needs 12.3 or newer; older ones differ in some PNG files and 16-bit images"


def _loaded_libraries() -> list[str]:
    """Return the file names of the shared codec libraries in this process; the names contain the versions."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:
        return []
    files = {line.split(maxsplit=5)[5] for line in maps.splitlines() if len(line.split(maxsplit=5)) == 6}
    return sorted(path for path in files if _LIBRARIES.match(Path(path).name))
