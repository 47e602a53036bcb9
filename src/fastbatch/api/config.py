# SPDX-License-Identifier: MIT
"""`show_config`: how the package was built, and what it uses of this machine."""

from __future__ import annotations

import platform
import sys
import sysconfig
from typing import Literal

import numpy as np

from fastbatch.checks import one_of

from .backend import Backend


def show_config(backend: Backend, mode: Literal["stdout", "dict"] = "stdout") -> dict[str, dict[str, str]] | None:
    """Return how fastbatch was built and what it uses of this machine, or print it.

    The sections: `versions` (fastbatch, Python, NumPy), `build` (the file of the core, its compiler), `libraries` (the
    codecs and their versions), `simd` (the instruction set in use, and those of the CPU), `threads` (the CPUs that this
    process may use, from which the default number of threads follows).

    Args:
        mode: "stdout" prints one fact a line; "dict" returns the sections.

    Returns:
        None after printing; otherwise a dict of sections, each a dict of text.

    Raises:
        ValueError: Another `mode`.

    Example:
        >>> import fastbatch as fb
        >>> sorted(fb.show_config(mode="dict"))
        ['build', 'libraries', 'simd', 'threads', 'versions']

    Source: `src/fastbatch/api/config.py`.
    """
    one_of("mode", mode, ("stdout", "dict"))
    free_threaded = ", without the GIL" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    python = f"{platform.python_implementation()} {platform.python_version()}{free_threaded}, {sys.platform}"
    version = sys.modules["fastbatch"].__version__  # the package itself is above this module
    versions = {"fastbatch": version, "Python": f"{python} {platform.machine()}", "NumPy": np.__version__}
    sections = {"versions": versions, **backend.configuration()}
    if mode == "dict":
        return sections
    for title, facts in sections.items():
        print(f"{title}:")
        for name, value in facts.items():
            print(f"  {name}: {value}")
    return None
