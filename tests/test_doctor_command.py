# SPDX-License-Identifier: MIT
"""The commands `fastbatch doctor`, `fastbatch preview` and `fastbatch profile`."""

import json
import sys

import numpy as np
import pytest

import fastbatch
from fastbatch.command import CommandError, cli, loaders

pytest.importorskip("typer", reason="Typer is not installed (extra cli)")
SLOW = """
import time
import numpy as np

def batches():
    for i in range(20):
        time.sleep(0.02)
        yield np.zeros(3)

print("begin")
for x in batches():
    pass
print("end")
raise SystemExit(3)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a script, a module of loaders and data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "train.py").write_text(SLOW)
    np.save(tmp_path / "x.npy", np.arange(60, dtype=np.float32).reshape(20, 3))
    (tmp_path / "some_loaders.py").write_text(
        "import fastbatch as fb\n"
        "rows = fb.arrays('x.npy', batch_size=4)\n"
        "def make_rows():\n    return rows.take(2)\n"
        "empty = rows.take(0)\nnumber = 3\n"
    )
    yield tmp_path
    sys.modules.pop("some_loaders", None)


def test_doctor_reports_beside_the_output(here, capfd):
    assert cli.main(["doctor", "--compare", "0", "--html", "r.html", "--", sys.executable, "train.py"]) == 3
    out, err = capfd.readouterr()
    assert out == "begin\nend\n"
    assert "of the time" in err
    assert "generator batches()" in err
    assert "generator batches()" in (here / "r.html").read_text()


def test_doctor_json(here, capfd):
    assert cli.main(["doctor", "--compare", "0", "--json", "--", sys.executable, "train.py"]) == 3
    out, err = capfd.readouterr()
    facts = json.loads(out.removeprefix("begin\nend\n"))
    assert facts["exit_code"] == 3
    assert facts["loops"][0]["batches"] == 20
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doctor", "--", "./not-there"], "fastbatch doctor: ./not-there: No such file or directory"),
        (["doctor", "--html", "absent/r.html", "--", "true"], "is not a folder"),
        (["preview", "some_loaders:absent"], "some_loaders:absent: some_loaders has no 'absent'"),
        (["preview", "absent:x"], "absent:x: No module named 'absent'"),
        (["preview", "some_loaders"], "expected module:name, script.py:name, or a folder of images"),
        (["preview", "some_loaders:number"], "expected a loader or a function that returns one, found int"),
        (["preview", "some_loaders:rows", "--out", "x.jpg"], "expected a name that ends in .png"),
        (["preview", "some_loaders:empty"], "the loader has no batches"),
        (["profile", "some_loaders:empty"], "the loader has no batches"),
        (["profile", "some_loaders:rows", "--trace", "x.txt"], "expected a name that ends in .json, found x.txt"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments, message, here, capfd):
    assert cli.main(arguments) == 1
    err = capfd.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_preview(here, capsys):
    pytest.importorskip("matplotlib")
    assert cli.main(["preview", "some_loaders:rows", "--n", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["   x", "0  0 1 2", "1  3 4 5"]
    assert cli.main(["preview", "some_loaders:make_rows", "--out", "p.png"]) == 0
    assert capsys.readouterr().out.startswith("p.png: 8 samples of Loader(")
    assert (here / "p.png").read_bytes().startswith(b"\x89PNG")


def test_profile(here, capsys):
    pytest.importorskip("matplotlib")
    arguments = ["--seconds", "1", "--work", "5", "--trace", "t.json", "--png", "p.png", "--json"]
    assert cli.main(["profile", "some_loaders:rows", *arguments]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["batches"] > 5
    assert json.loads((here / "t.json").read_text())["traceEvents"]
    assert (here / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_images_is_a_loader(photos):
    assert isinstance(loaders.load(str(photos)), fastbatch.SampleLoader)
    with pytest.raises(CommandError, match="expected module:name"):
        loaders.load("no-such-folder")
