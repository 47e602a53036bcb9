# SPDX-License-Identifier: MIT
"""An import hook: modules of frameworks are changed after their import, the user's own are compiled to be watched."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import Any

from .loops import instrumented
from .record import is_users_own

Patch = Callable[[ModuleType], None]
PATCHES: dict[str, Patch] = {}  # name of a module -> called when it has been imported


def patches(name: str) -> Callable[[Patch], Patch]:
    """Register a function that changes the module of this name."""

    def register(patch: Patch) -> Patch:
        PATCHES[name] = patch
        return patch

    return register


class _Watched(importlib.machinery.SourceFileLoader):
    """Loads a module of the user's with watched loops, and never writes that code to `__pycache__`."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        try:
            return instrumented(self.get_data(path), path)
        except (SyntaxError, RecursionError, ValueError):
            return super().get_code(fullname)  # its own error


class Finder:
    """The first finder of `sys.meta_path`: asks the others, and changes what their loaders do."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """Return the spec that the other finders find."""
        spec: Any = None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    break
        if spec is None:
            return None
        if name in PATCHES and spec.loader is not None:
            _patch_after(spec.loader, PATCHES[name])
        elif _is_source(spec) and is_users_own(os.path.abspath(spec.origin)):
            spec.loader = _Watched(spec.loader.name, spec.loader.path)
        return spec


def _is_source(spec: Any) -> bool:
    return type(spec.loader) is importlib.machinery.SourceFileLoader and bool(spec.origin)


def _patch_after(loader: Any, patch: Patch) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module
        execute(module)
        with contextlib.suppress(Exception):  # another version of the framework: it is not watched
            patch(module)

    loader.exec_module = exec_module


def install() -> None:
    """Watch all imports from now on."""
    from . import keras, tensorflow, torch  # noqa: F401 - they register their patches

    sys.meta_path.insert(0, Finder())
