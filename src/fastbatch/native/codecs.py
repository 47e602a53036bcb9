# SPDX-License-Identifier: MIT
"""Facts about the compiled core: its compiler, its libraries, what it uses of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from fastbatch import _core

_Facts = dict[str, dict[str, str]]


def library_versions() -> dict[str, str]:
    """Return the version of each library that the core is linked with, by name."""
    return dict(_core.library_versions())


def configuration() -> _Facts:
    """Return the facts of `fastbatch.show_config`."""
    narrowed = os.environ.get("FASTBATCH_SIMD")
    return {
        "build": {"core": str(Path(_core.__file__)), "compiler": _core.compiler_version()},
        "libraries": library_versions(),
        "simd": {
            "in use": _core.active_target() + (f" (FASTBATCH_SIMD={narrowed})" if narrowed else ""),
            "this CPU can": ", ".join(_core.supported_targets()),
        },
        "threads": {"CPUs of this process": str(_core.available_cpus()), "CPUs": str(os.cpu_count())},
    }
