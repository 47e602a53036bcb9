# SPDX-License-Identifier: MIT
"""Takes batches of a loader without using them: `python -m fastbatch.doctor.exercise module:loader SECONDS`."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import Any

from fastbatch.checks import shown


def found(target: str) -> Any:
    """Return the object `module:name`, or `script.py:name`; a function without required arguments is called.

    Raises:
        ValueError: There is no such module or name, or it gives no batches.
    """
    name, _, path = target.rpartition(":")
    try:
        thing = _script(name) if name.endswith(".py") else importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{target}: {error}") from error
    for part in path.split("."):
        if not hasattr(thing, part):
            raise ValueError(f"{target}: {name} has no {shown(part)}")
        thing = getattr(thing, part)
    if not hasattr(thing, "__iter__") and callable(thing):
        thing = thing()
    if not hasattr(thing, "__iter__"):
        raise ValueError(f"{target}: expected a loader or a function that returns one, found {type(thing).__name__}")
    return thing


def _script(path: str) -> Any:
    """Return the module of a script, imported as `import` would from its folder."""
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"{path}: there is no such file")
    sys.path[:0] = [str(file.absolute().parent)]
    return importlib.import_module(file.stem)


def exercise(loader: Any, duration_s: float) -> int:
    """Take batches, over as many passes as needed; return their number."""
    n, end = 0, time.perf_counter() + duration_s
    while True:
        before = n
        for _ in loader:
            n += 1
            if time.perf_counter() > end:
                return n
        if n == before:  # empty, or an iterator that can be read once
            return n


def main() -> None:
    """Take batches of the loader that the command line names."""
    sys.path[:0] = [""] if "" not in sys.path else []
    try:
        loader = found(sys.argv[1])
    except ValueError as error:
        sys.exit(f"fastbatch doctor: {error}")
    exercise(loader, float(sys.argv[2]))


if __name__ == "__main__":
    main()
