# SPDX-License-Identifier: MIT
"""The `fastbatch` command; `test_demo.py` tests `fastbatch demo`."""

import subprocess
import sys

import numpy as np
import PIL
import pytest

import fastbatch
from fastbatch.command import cli


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["train"], "invalid choice: 'train'"),
        (["demo", "--epochs", "0"], "argument --epochs: expected a whole number of at least 1, found 0"),
        (["demo", "--epochs", "many"], "argument --epochs: expected a whole number, found 'many'"),
        (["demo", "--photos", "-5"], "argument --photos: expected a whole number of at least 1, found -5"),
        (["demo", "--threads", "0"], "argument --threads: expected a whole number of at least 1, found 0"),
        (["demo", "--seed", "-1"], "argument --seed: expected a whole number of at least 0, found -1"),
        (["demo", "--speed", "11"], "unrecognized arguments: --speed 11"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"fastbatch {fastbatch.__version__}\n"


def test_info_says_what_is_installed(capsys):
    assert cli.main(["info"]) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert facts["NumPy"] == np.__version__
    assert "scalar" in facts["SIMD"]
    assert int(facts["CPUs"].split()[0]) >= 1
    assert "libjpeg" in facts["libraries"] or "static" in facts["libraries"]


@pytest.mark.parametrize(
    "version, message",
    [
        ("13.0.0", "13.0.0: the pixels of exact=True"),
        ("14.1", "14.1: the pixels of exact=True"),
        ("12.3.0", "12.3.0: other pixels than exact=True where a height shrinks more than twice as much as the width"),
        ("11.0.0", "11.0.0: fastbatch needs 12.3 or newer"),
    ],
)
def test_info_says_whether_pillow_resizes_like_the_core(version, message, monkeypatch, capsys):
    monkeypatch.setattr(PIL, "__version__", version)
    assert cli.main(["info"]) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert facts["Pillow"].startswith(message)


def test_the_package_runs_as_a_command():
    process = subprocess.run([sys.executable, "-m", "fastbatch", "info"], capture_output=True, text=True, check=True)
    assert process.stdout.startswith(f"fastbatch    {fastbatch.__version__}")


def test_a_reader_that_leaves_early_is_no_error():
    """As in `fastbatch info | head -1`."""
    command = [sys.executable, "-u", "-m", "fastbatch", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        error = process.stderr.read()
    assert error == ""
    assert process.returncode == 1
