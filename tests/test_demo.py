# SPDX-License-Identifier: MIT
"""`fastbatch demo`: a whole run, rejected arguments, interruption, and its parts."""
# ruff: noqa: E402 (without the libraries of the demo, these tests are skipped before they import anything)

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

for module in ("sklearn", "skimage", "matplotlib", "PIL", "rich"):
    pytest.importorskip(module, reason='pip install "fastbatch[demo]" brings it')

from PIL import Image

import fastbatch as fastbatch_package
from fastbatch import pure
from fastbatch.command import CommandError, cli
from fastbatch.demo import photos, pictures, require_extras, run, table, train
from fastbatch.demo.job import Result

pytestmark = pytest.mark.timeout(300)  # processes that import scikit-learn: seconds, or minutes on a busy machine
TIMEOUT_S = 240
COMMAND = [sys.executable, "-m", "fastbatch"]


def environment(caches: Path) -> dict[str, str]:
    return os.environ | {"XDG_CACHE_HOME": str(caches)}


def fastbatch(caches: Path, *arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(caches),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(autouse=True)
def no_cache_of_the_users(caches, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))


@pytest.fixture(scope="module")
def finished(caches, tmp_path_factory):
    """Run one quick demo with empty caches; return its output and its folder of pictures."""
    out = tmp_path_factory.mktemp("demo") / "new" / "pictures"
    return fastbatch(caches, "demo", "--quick", "--photos", "36", "--out", out), out


@pytest.fixture(scope="module")
def own_folder(finished, caches, tmp_path_factory):
    """Return a user's folder: two classes, names with spaces and non-ASCII letters, a text file beside the images."""
    folder = tmp_path_factory.mktemp("own") / "my pictures"
    made = caches / "fastbatch" / "demo-photos-1-36-0"
    for source, name in (("cat", "Katzen im Körbchen"), ("rocket", "$rockets$ 火箭")):
        for k in range(4):
            for path in (made / source).glob("*.jpg"):
                (folder / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / name / f"{k} {path.name}")
    (folder / "notes.txt").write_text("bought in Lisbon")
    return folder


def assert_is_picture(path: Path, least: tuple[int, int]) -> None:
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width >= least[0]
        assert image.height >= least[1]
        pixels = np.asarray(image.convert("L"))
    assert pixels.std() > 10  # not blank


def rows(output: str, name: str) -> list[str]:
    return [line for line in output.splitlines() if line.strip().startswith(name)]


# ---- a whole run -----------------------------------------------------------------------------------------------


def test_demo_compares_the_feeds(finished):
    process, _ = finished
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert "36 JPEGs, 12 classes" in process.stdout
    assert "1,797 handwritten digits" in process.stdout
    assert [row.split()[2] for row in rows(process.stdout, "same batches")] == ["yes", "yes"]
    for name in ("loading, samples/s", "time to first batch", "peak memory", "accuracy on held-out data"):
        assert len(rows(process.stdout, name)) == 2, name


def test_demo_learns_digits(finished):
    process, _ = finished
    accuracies = rows(process.stdout, "accuracy")[1].split()[-2:]
    assert accuracies[0] == accuracies[1]
    assert float(accuracies[0].rstrip("%")) > 85


def test_output_is_plain_text_where_nobody_looks(finished):
    process, _ = finished
    assert "\x1b" not in process.stdout
    assert "\r" not in process.stdout
    assert max(map(len, process.stdout.splitlines())) < 200


def test_demo_saves_two_pictures(finished):
    _, out = finished
    assert sorted(path.name for path in out.iterdir()) == ["batch.png", "throughput.png"]
    assert_is_picture(out / "batch.png", (1000, 600))
    assert_is_picture(out / "throughput.png", (1000, 400))


def test_demo_keeps_its_photographs(finished, caches):
    folders = sorted(path.name for path in (caches / "fastbatch").iterdir())
    assert folders == ["demo-digits-1", "demo-photos-1-36-0"]
    made = sorted((caches / "fastbatch" / "demo-photos-1-36-0").glob("*/*.jpg"))
    assert len(made) == 36
    assert len({path.parent.name for path in made}) == len(photos.PHOTOGRAPHS)
    for path in made:
        with Image.open(path) as image:
            assert sorted(image.size) == [375, 500]
            assert image.mode == "RGB"
        assert 40_000 < path.stat().st_size < 200_000


def test_demo_on_the_users_own_folder(own_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "run_feed", train.run)  # in this process: four more processes would only take time
    arguments = ["demo", "--quick", "--images", str(own_folder), "--photos", "20", "--epochs", "4"]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert str(own_folder) in output
    assert "20 JPEGs, 2 classes" in output
    assert rows(output, "same batches")[0].split()[2:4] == ["yes", "5"]  # 4 of 16, 1 of 4
    assert_is_picture(tmp_path / "batch.png", (1000, 400))


def test_large_photographs_are_compared_exactly(tmp_path, monkeypatch, capsys):
    """By default the codec reduces them while it decodes, which plain Python cannot: no difference to fail for."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(6):
            pixels = random.integers(0, 255, (30, 40, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((1600, 1200), Image.Resampling.BICUBIC)
            image.save(tmp_path / "photos" / name / f"{i}.jpg", quality=90)
    reduced = [
        next(iter(api.images(tmp_path / "photos", size=224, resize=256, crop="center", batch_size=2)))[0]
        for api in (fastbatch_package, pure)
    ]
    assert not np.array_equal(*reduced)  # what the demo must not compare
    monkeypatch.setattr(run, "run_feed", train.run)
    arguments = [
        "demo",
        "--quick",
        "--images",
        str(tmp_path / "photos"),
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    assert cli.main(arguments) == 0
    output = capsys.readouterr().out
    assert rows(output, "same batches")[0].split()[2] == "yes"
    assert "Peak memory: plain Python holds two batches, fastbatch four" in output


def test_a_difference_fails_and_is_named(own_folder, tmp_path, monkeypatch, capsys):
    def feed(job, progress):
        return make_result(digests=[5, 6, 7 if job.feed == "pure" else 8])

    monkeypatch.setattr(run, "run_feed", feed)
    assert cli.main(["demo", "--images", str(own_folder), "--out", str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert [row.split()[2] for row in rows(output, "same batches")] == ["NO", "NO"]
    assert output.count("the feeds differ from batch 2 on") == 2


# ---- rejected arguments ----------------------------------------------------------------------------------------


def refusal(capsys, *arguments: str | Path) -> str:
    assert cli.main(["demo", *map(str, arguments)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("fastbatch demo: ")
    assert error.count("\n") == 1
    return error


def test_missing_folder(tmp_path, capsys):
    folder = tmp_path / "nowhere"
    assert f"--images {folder}: there is no such folder" in refusal(capsys, "--images", folder, "--out", tmp_path)


def test_file_instead_of_a_folder(tmp_path, capsys):
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"")
    assert f"--images {file}: expected a folder, found a file" in refusal(capsys, "--images", file, "--out", tmp_path)


def test_folder_without_images(tmp_path, capsys):
    folder = tmp_path / "empty"
    (folder / "cats").mkdir(parents=True)
    (folder / "cats" / "readme.txt").write_text("none yet")
    error = refusal(capsys, "--images", folder, "--out", tmp_path)
    assert str(folder) in error
    assert "image" in error


def test_folder_with_one_class(own_folder, tmp_path, capsys):
    name = "Katzen im Körbchen"
    folder = tmp_path / "one"
    shutil.copytree(own_folder / name, folder / name)
    error = refusal(capsys, "--images", folder, "--out", tmp_path)
    assert f"--images {folder}: expected images in at least two sub-folders, one a class; found only {name!r}" in error


def test_folder_with_too_few_images(own_folder, tmp_path, capsys):
    error = refusal(capsys, "--images", own_folder, "--photos", "9", "--out", tmp_path)
    assert "expected at least 10 images to use, found 9" in error


def test_broken_image_is_named(own_folder, caches, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(own_folder, folder)
    broken = next(folder.glob("Katzen*/*.jpg"))
    broken.write_bytes(b"this is no JPEG")
    process = fastbatch(caches, "demo", "--quick", "--images", folder, "--out", tmp_path)
    assert process.returncode == 1
    assert str(broken) in process.stderr
    assert process.stderr.startswith("fastbatch demo: ")
    assert "Traceback" not in process.stderr


def test_too_few_photographs_to_make(tmp_path, capsys):
    error = refusal(capsys, "--photos", "23", "--out", tmp_path)
    assert "--photos 23: expected at least 24, two of each photograph" in error


def test_out_is_a_file(tmp_path, capsys):
    file = tmp_path / "taken"
    file.write_text("")
    assert f"--out {file}: cannot make this folder: File exists" in refusal(capsys, "--out", file)


def test_missing_extras_say_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)  # makes Python's import raise
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("sklearn", "typer") else object())
    with pytest.raises(CommandError, match="scikit-learn"):
        require_extras()
    assert 'scikit-learn missing here: pip install "fastbatch[demo]"' in refusal(capsys, "--out", tmp_path)


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------


def interrupt_after(line: str, caches: Path, *arguments: str | Path) -> tuple[int, str]:
    """Start the demo, send Ctrl-C once it has printed a line with `line`; return exit code and stderr."""
    with subprocess.Popen(
        [*COMMAND, "demo", *arguments],
        env=environment(caches),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert any(line in printed for printed in process.stdout), process.stderr.read()
        process.send_signal(signal.SIGINT)
        # Waits for the end of stderr, which the demo's processes hold, too: none of them survives.
        _, error = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, error


def test_interrupt_while_photographs_are_made(tmp_path):
    code, error = interrupt_after("fastbatch 0", tmp_path / "caches", "--photos", "100000", "--out", tmp_path)
    assert code == 130
    assert error.strip() == "fastbatch demo: interrupted"
    assert list((tmp_path / "caches").glob("fastbatch/*")) == []


def test_interrupt_in_the_middle_of_the_photographs(tmp_path, monkeypatch):
    def interrupt(done: int, total: int) -> None:
        if 0 < done < total:
            raise KeyboardInterrupt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        photos.make_photos(500, 0, 2, interrupt)
    assert list((tmp_path / "fastbatch").iterdir()) == []


def test_interrupt_while_training(finished, caches, tmp_path):
    code, error = interrupt_after(
        "demo-digits", caches, "--photos", "36", "--epochs", "100000", "--out", tmp_path / "pictures"
    )
    assert code == 130
    assert error.strip() == "fastbatch demo: interrupted"
    assert list((tmp_path / "pictures").iterdir()) == []


# ---- the parts -------------------------------------------------------------------------------------------------


def make_result(**changes) -> Result:
    values = {
        "samples_per_s": 100.0,
        "first_batch_s": 0.25,
        "peak_bytes": 300_000_000,
        "imports_bytes": 200_000_000,
        "accuracy": 0.875,
        "digests": [1, 2, 3],
        "n_samples": 20,
        "n_classes": 2,
    }
    return Result(**(values | changes))


def test_photographs_do_not_depend_on_threads(tmp_path, monkeypatch):
    folders = []
    for threads in (1, 3):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(threads)))
        counts = []
        folders.append(photos.make_photos(24, 7, threads, lambda done, total, counts=counts: counts.append(done)))
        assert counts == sorted(counts)
        assert counts[-1] == 24
    one, three = ({p.relative_to(f): p.read_bytes() for p in f.glob("*/*.jpg")} for f in folders)
    assert len(one) == 24
    assert one == three


def test_digest_sees_every_difference():
    x, y = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(3)
    changed = x.copy()
    changed[2, 3] = np.nextafter(changed[2, 3], 0)
    variants = [(x, y), (changed, y), (x, y[::-1]), (x.reshape(4, 3), y), (x.view(np.int32), y)]
    assert len({train.digest(*variant) for variant in variants}) == len(variants)
    assert train.digest(x[:, ::-1], y) == train.digest(x[:, ::-1].copy(), y)  # values count, not strides


@pytest.mark.parametrize(("pure", "fast", "first"), [([1, 2], [1, 2], None), ([1, 2], [1, 3], 1), ([1, 2], [1], 1)])
def test_comparison_finds_the_first_difference(pure, fast, first):
    comparison = table.Comparison("", make_result(digests=pure), make_result(digests=fast))
    assert comparison.first_difference == first
    assert comparison.same is (first is None)


def test_units():
    assert [table.ratio(value) for value in (0.5, 4.24, 9.94, 9.96, 1234.4)] == [
        "0.5 x",
        "4.2 x",
        "9.9 x",
        "10 x",
        "1,234 x",
    ]
    assert [table.duration(s) for s in (0.00091, 0.0481, 0.9994, 0.9996, 1.234)] == [
        "0.91 ms",
        "48 ms",
        "999 ms",
        "1.00 s",
        "1.23 s",
    ]
    assert table.megabytes(1_310_400_000) == "1,310 MB"


def test_batch_picture_takes_any_label(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    pictures.save_batch(tmp_path / "batch.png", x, ["$\\frac{$", "火箭 🚀", "\udce9t\udce9 " + "long " * 20])
    assert_is_picture(tmp_path / "batch.png", (1000, 200))
