# SPDX-License-Identifier: MIT
"""The docstrings of all public names: each has its sections, and its examples give the output that they show."""

import doctest
import importlib
import inspect
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "examples").is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)

MODULES = ("fastbatch", "fastbatch.keras", "fastbatch.ray")
NAMES = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OPTIONAL = {"DataFrameIterator": "pandas"}  # names whose examples need a package
# Classes that functions return: their constructors are internal.
RETURNED = {
    "BatchInfo",
    "IndexedArchive",
    "KerasDataset",
    "Loader",
    "Preview",
    "Profile",
    "RestartableGeneratorWrapper",
    "SampleLoader",
    "TextLoader",
    "Verification",
}
RAISE_NOTHING = {"BatchInfo", "IndexedArchive", "get_include", "random_channel_shift"}
WITHOUT_EXAMPLE = {"BackupLoader", "PartLostError"}  # which would need Keras, and a cluster
# Docstrings that describe the rest of the parameters.
OPTIONS = ("LoaderOptions", "MixtureOptions", "DocumentOptions", "TextOptions", "`images`")


def make_more(folder):
    """Write digits.idx, reviews/bad and reviews/good."""
    digits = np.random.default_rng(0).integers(0, 256, (100, 28, 28), dtype=np.uint8)
    (folder / "digits.idx").write_bytes(b"\0\0\x08\x03" + np.array(digits.shape, ">u4").tobytes() + digits.tobytes())
    for name in ("bad", "good"):
        (folder / "reviews" / name).mkdir(parents=True)
        for i in range(4):
            (folder / "reviews" / name / f"{i}.txt").write_text(f"a {name} film")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, ROOT / "examples/make_data.py", folder], check=True)
    make_more(folder)
    return folder


def documented(module, name):
    """Return (name, docstring) of a public name, and of the public methods of a class."""
    thing = getattr(importlib.import_module(module), name)
    found = [(name, inspect.getdoc(thing))]
    if inspect.isclass(thing):
        for method, value in inspect.getmembers(thing):
            if not method.startswith("_") and (doc := inspect.getdoc(value)):
                found.append((f"{name}.{method}", doc))
    return found


def sections(doc):
    """Return the text of each section of a docstring by its title; "" is what comes before."""
    parts = re.split(r"^(\w+):\n", doc, flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], parts[0::2], strict=True))


def described(section):
    """Return the names that a section describes."""
    lines = re.findall(r"^    ([\w*, ]+):", section, flags=re.MULTILINE)
    return {name for line in lines for name in re.split(r"[,\s]+", line.replace("*", ""))}


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_examples_give_the_output_they_show(data, tmp_path, monkeypatch, module, name):
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    shutil.copytree(data, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for where, doc in documented(module, name):
        example = doctest.DocTestParser().get_doctest(doc, {}, where, None, 0)
        shown = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        runner.run(example, out=shown.write)
        assert runner.failures == 0, shown.getvalue()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_docstrings_have_their_sections(module, name):
    thing = getattr(importlib.import_module(module), name)
    is_class = inspect.isclass(thing)
    found = sections(inspect.getdoc(thing))
    summary = found[""].splitlines()[0]
    assert len(summary) < 120 and summary.endswith(".")
    is_error = is_class and issubclass(thing, Exception)
    has_own = not is_error or "__init__" in vars(thing)
    parameters = inspect.signature(thing).parameters if has_own and name not in RETURNED else {}
    assert "Args" in found or not parameters
    if not is_class:
        assert re.match(r"(Return|Save) ", summary)
        assert "Returns" in found or inspect.signature(thing).return_annotation in (None, "None")
    assert "Raises" in found or name in RAISE_NOTHING or is_error
    assert ">>> " in found.get("Example", "") or name in WITHOUT_EXAMPLE
    text = found.get("Args", "")
    missing = set(parameters) - described(text) - {"args", "kwargs"}
    assert not missing or any(options in text for options in OPTIONS), missing
