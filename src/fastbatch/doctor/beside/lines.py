# SPDX-License-Identifier: MIT
"""The lines of a script to change, as a diff: names of torch and Keras become those of fastbatch."""

from __future__ import annotations

import ast
import contextlib
import difflib
import os
import re
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path

_KERAS = (
    "ImageDataGenerator",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
)
_MOST_FILES = 50


def equivalent(dotted: str) -> str | None:
    """Return the module of fastbatch that has the same name as `module.name` of another library, or None."""
    module, _, name = dotted.rpartition(".")
    if name == "DataLoader" and module in ("torch.utils.data", "torch.utils.data.dataloader"):
        return "fastbatch.torch"
    if name == "StatefulDataLoader" and module.startswith("torchdata."):
        return "fastbatch.torch"
    is_keras = module.split(".")[0] in ("keras", "tf_keras") or module.startswith("tensorflow.keras")
    return "fastbatch.keras" if is_keras and name in _KERAS else None


def changed(source: str, name: str) -> str:
    """Return the source of a module that takes one name from fastbatch instead. Imports inside functions count, too."""
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    names: dict[str, str] = {}  # name in the file -> what it is
    edits: list[tuple[int, int, str]] = []  # first line, last line, text
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            moved: dict[str, list[str]] = {}
            kept: list[str] = []
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                shown = alias.name + (f" as {alias.asname}" if alias.asname else "")
                new = equivalent(dotted) if alias.name == name else None
                if new is None:
                    names[alias.asname or alias.name] = dotted
                    kept.append(shown)
                else:
                    moved.setdefault(new, []).append(shown)
            if moved:
                edits.append((node.lineno, node.end_lineno or node.lineno, _imports(node, kept, moved, lines)))
    uses = {written: module for written, module in _uses(tree, names).items() if written.endswith(f".{name}")}
    for first, last, text in sorted(edits, reverse=True):
        lines[first - 1 : last] = text.splitlines(keepends=True)
    return _replaced("".join(lines), uses, tree, lines_changed=bool(edits)) if uses else "".join(lines)


def _imports(node: ast.ImportFrom, kept: list[str], moved: dict[str, list[str]], lines: list[str]) -> str:
    indent = lines[node.lineno - 1][: node.col_offset]
    made = [f"{indent}from {module} import {', '.join(names)}\n" for module, names in moved.items()]
    if kept:
        made.append(f"{indent}from {node.module} import {', '.join(kept)}\n")
    return "".join(made)


def _uses(tree: ast.Module, names: dict[str, str]) -> dict[str, str]:
    """Return the dotted names as they are written, such as `torch.utils.data.DataLoader`, and their modules of ours."""
    found = {}
    for node in ast.walk(tree):
        parts: list[str] = []
        at: ast.expr | None = node if isinstance(node, ast.Attribute) else None
        while isinstance(at, ast.Attribute):
            parts.insert(0, at.attr)
            at = at.value
        if parts and isinstance(at, ast.Name) and at.id in names:
            module = equivalent(".".join([names[at.id], *parts]))
            if module is not None:
                found[".".join([at.id, *parts])] = module
    return found


def _replaced(source: str, uses: dict[str, str], tree: ast.Module, lines_changed: bool) -> str:
    for written, module in uses.items():
        source = re.sub(rf"(?<![\w.]){re.escape(written)}\b", f"{module}.{written.rpartition('.')[2]}", source)
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    lines = source.splitlines(keepends=True)
    at = 0
    if imports:
        tree = ast.parse(source) if lines_changed else tree
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        at = imports[-1].end_lineno or 0
    lines[at:at] = [f"import {module}\n" for module in sorted(set(uses.values()))]
    return "".join(lines)


def diff_of(path: Path, shown: str, name: str) -> str:
    """Return what to change in a file as a unified diff, or ""."""
    with tokenize.open(path) as file:
        source = file.read()
    new = changed(source, name)
    if new == source:
        return ""
    lines = difflib.unified_diff(source.splitlines(), new.splitlines(), shown, shown, n=0, lineterm="")
    return "\n".join(lines)


def diffs(name: str) -> str:
    """Return what to change in the user's own modules that are imported now, to take a name from fastbatch."""
    from _fastbatch_agent.record import ROOT, is_users_own

    paths: Sequence[str] = sorted(
        {
            os.path.abspath(path)
            for module in list(sys.modules.values())
            if isinstance(path := getattr(module, "__file__", None), str) and path.endswith(".py")
        }
    )
    found = []
    for path in [path for path in paths if is_users_own(path)][:_MOST_FILES]:
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            found.append(diff_of(Path(path), path.removeprefix(ROOT[0]), name))
    return "\n".join(filter(None, found))
