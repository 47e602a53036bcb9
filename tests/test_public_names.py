# SPDX-License-Identifier: MIT
"""Each public name of every package is used in a test: by an attribute, an import, or as a string of `getattr`."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGES = ["fastbatch", "fastbatch.pure", "fastbatch.keras", "fastbatch.torch", "fastbatch.ray", "fastbatch.numba"]
NEEDS = {"fastbatch.torch": "torch", "fastbatch.numba": "numba"}


def names_used(path):
    """Return the attributes and imported names in a file, and its strings in calls and parametrizations."""
    used = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastbatch"):
            used.update(name.name for name in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            used.add(node.value)
    return used


USED = set().union(*(names_used(path) for path in TESTS.glob("test_*.py") if path != Path(__file__)))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_public_name_is_used_in_a_test(package):
    if package in NEEDS:
        pytest.importorskip(NEEDS[package])
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    assert len(names) >= 5
    assert [name for name in names if name not in USED] == []
    assert [name for name in names if not hasattr(module, name)] == []


def test_no_package_is_forgotten():
    """Whoever adds a package with names for users adds it to the list above."""
    root = Path(importlib.util.find_spec("fastbatch").origin).parent
    inside = {
        "api",
        "batch",
        "bench",
        "decode",
        "generators",
        "loader",
        "native",
        "plan",
        "source",
        "text",
        "command",
        "demo",
        "doctor",
        "preview",
        "profile",
    }
    folders = {p.parent.name for p in root.glob("*/__init__.py")} - inside
    assert folders == {name.partition(".")[2] for name in PACKAGES} - {"", "numba"}
