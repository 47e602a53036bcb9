# SPDX-License-Identifier: MIT
"""Loaders that a command line names: `module:name`, or a folder of images."""

from __future__ import annotations

import sys
from pathlib import Path

import fastbatch
from fastbatch.doctor.exercise import found

from . import CommandError

_SIZE = 224


def load(name: str) -> fastbatch.Loader:
    """Return the loader. Modules are looked for in this folder, too.

    Raises:
        CommandError: It cannot be imported, or is no loader of fastbatch.
    """
    if Path(name).is_dir():
        return fastbatch.images(name, size=_SIZE, crop="random_resized", flip=True, batch_size=32, shuffle=True)
    if ":" not in name:
        raise CommandError(f"{name}: expected module:name, script.py:name, or a folder of images")
    sys.path[:0] = [""] if "" not in sys.path else []
    try:
        loader = found(name)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if not isinstance(loader, fastbatch.Loader):
        raise CommandError(f"{name}: expected a loader of fastbatch, found {type(loader).__name__}")
    return loader
