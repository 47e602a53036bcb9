# SPDX-License-Identifier: MIT
"""`fastbatch bench`: the user's photographs, and the command line."""

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image

from fastbatch.bench import own_images, results, settings
from fastbatch.bench.job import Skipped
from fastbatch.command import CommandError, bench

NEEDS_RICH = pytest.mark.skipif(importlib.util.find_spec("rich") is None, reason="Rich is not installed")


# ---- the user's photographs --------------------------------------------------------------------------------------


def photo(path, size=(40, 30), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, "JPEG", **options)


def test_photographs_that_cannot_be_raced(tmp_path):
    turned = Image.Exif()
    turned[274] = 6
    photo(tmp_path / "own/turned.jpg", exif=turned)
    photo(tmp_path / "own/grey.jpg", mode="L")
    (tmp_path / "own/broken.jpg").write_bytes(b"no image")
    (tmp_path / "own/text.txt").write_text("")
    photo(tmp_path / "own/good.jpg")
    with pytest.raises(Skipped, match="expected at least 2 upright JPEG files in RGB, found 1"):
        own_images.job(tmp_path / "own", tmp_path / "data", 2)
    with pytest.raises(Skipped, match="there is no such folder"):
        own_images.job(tmp_path / "absent", tmp_path / "data", 2)


def test_photographs_become_a_folder_of_classes(tmp_path):
    for name in ("a/1.jpg", "a/b/2.JPEG", "3.jpg"):
        photo(tmp_path / "own" / name)
    made = own_images.job(tmp_path / "own", tmp_path / "data", 2)
    links = sorted(path.relative_to(made.data).parent.name for path in own_images.Path(made.data).rglob("*.jpg"))
    assert links == ["a", "a-b", "images"]
    assert (made.n, made.kind, made.is_large) == (3, "jpeg", False)
    assert own_images.job(tmp_path / "own", tmp_path / "data", 2) == made
    changed = next((tmp_path / "own").rglob("*.jpg"))
    changed.write_bytes(changed.read_bytes() + b"more")
    assert own_images.job(tmp_path / "own", tmp_path / "data", 2).data != made.data  # nor what is made of the files
    photo(tmp_path / "own/4.jpg", (1200, 900))
    assert own_images.job(tmp_path / "own", tmp_path / "data", 2).is_large


def test_too_many_photographs_are_thinned_out(tmp_path, monkeypatch):
    for i in range(10):
        photo(tmp_path / f"own/{i}.jpg")
    monkeypatch.setattr(own_images, "MOST_FILES", 4)
    assert own_images.job(tmp_path / "own", tmp_path / "data", 2).n == 4


# ---- the command line --------------------------------------------------------------------------------------------


@NEEDS_RICH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "rows"}, "--scenario: expected some of rows_shuffled, .* found 'rows'"),
        ({"threads": "two"}, "--threads: expected whole numbers of 1 to 1024, as 1,2,4, found 'two'"),
        ({"threads": "0"}, "--threads: expected whole numbers"),
        ({"isa": "mmx"}, "--isa: expected some of .*scalar, found 'mmx'"),
    ],
)
def test_wrong_options(options, message, tmp_path):
    with pytest.raises(CommandError, match=message):
        bench.run(**options, out=tmp_path)


@NEEDS_RICH
def test_a_system_without_stop_signals(monkeypatch, tmp_path):
    """As Windows is."""
    monkeypatch.delattr(bench.signal, "SIGSTOP")
    with pytest.raises(CommandError, match="races need POSIX signals"):
        bench.run(out=tmp_path)


@NEEDS_RICH
def test_wrong_files(tmp_path):
    with pytest.raises(CommandError, match="there is no such folder"):
        bench.run(images=tmp_path / "absent", out=tmp_path)
    (tmp_path / "old.json").write_text("{")
    with pytest.raises(CommandError, match="cannot be read"):
        bench.run(compare=tmp_path / "old.json", out=tmp_path)
    (tmp_path / "old.json").write_text("[]")
    with pytest.raises(CommandError, match="expected a results.json of fastbatch bench"):
        bench.run(compare=tmp_path / "old.json", out=tmp_path)


@NEEDS_RICH
def test_the_progress_bar_ends_full_whatever_was_left_out():
    from io import StringIO

    from rich.console import Console

    from fastbatch.bench.terminal import ProgressBar

    chosen = settings.Settings(scenarios=("rows_shuffled", "latency", "windows"), rounds=2, threads=(1, 2))
    with ProgressBar(chosen, Console(file=StringIO())) as watch:
        (task,) = watch._progress.tasks
        for name, steps in [
            ("rows_shuffled", 9),
            ("rows_shuffled", 30),
            ("latency", 1),
            ("latency", 0),
            ("windows", 6),
        ]:
            watch.begin(name, 1)
            watch.begin(name, steps)
            for _ in range(steps // 2 + 1):
                watch.step("torch-w2")
                assert task.completed <= task.total
            watch.end()
        left = task.total - task.completed
        watch.begin("windows", 4)
        watch.end()
        assert left > 0
        assert task.completed == task.total


@NEEDS_RICH
def test_the_list(capsys):
    assert bench.run(list=True) == 0
    assert "rows_shuffled" in capsys.readouterr().out
    assert bench.run(list=True, json=True) == 0
    assert json.loads(capsys.readouterr().out)["missing"]["numpy"] == []


@NEEDS_RICH
def test_a_run_on_photographs_of_the_user(tmp_path, capsys):
    random = np.random.default_rng(0)
    for i in range(6):
        path = tmp_path / f"own/{'ab'[i % 2]}/{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (60, 80, 3), np.uint8)).save(path)
    options = {"scenario": "jpeg_folder", "rivals": "fastbatch,numpy", "images": tmp_path / "own", "rounds": 3}
    code = bench.run(**options, out=tmp_path / "out", data=tmp_path / "data", json=True)
    found = json.loads(capsys.readouterr().out)
    race = found["scenarios"]["jpeg_folder"]
    assert {name: one.get("check") for name, one in race["contestants"].items()} == {
        "fastbatch": "same bytes",
        "numpy": "same bytes",
    }
    assert code == (3 if race["verdict"]["is_noisy"] else 0)
    assert json.loads((tmp_path / "out/results.json").read_text()) == found
    assert "jpeg_folder" in (tmp_path / "out/report.html").read_text()


def test_what_a_result_file_says_of_the_machine():
    found = results.machine()
    assert found["cpus"] >= 1
    assert found["cpu"]
