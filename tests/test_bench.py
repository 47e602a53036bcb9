# SPDX-License-Identifier: MIT
"""The benchmark tools: wrong batches are detected, regressions reported, and a race yields a result file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"
SCENARIOS = BENCH.parent / "src/fastbatch/bench/scenarios"
if not BENCH.is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(BENCH))
    from fastbatch.bench import check, drive, job, rivals

    return SimpleNamespace(check=check, drive=drive, job=job, rivals=rivals)


def verdict(bench: SimpleNamespace, folder: Path, x: Any, y: Any, other_work: str = "") -> Any:
    """Compare (x, y), in batches of 4, with ten rows of twelve numbers and labels 0..9."""
    rows = np.arange(120, dtype=np.float32).reshape(10, 12) / 120
    for name, samples, labels in (("want", rows, np.arange(10)), ("got", x(rows), y(np.arange(10)))):
        digest = bench.check.Digest()
        for start in range(0, len(samples), 4):
            digest.add(samples[start : start + 4], labels[start : start + 4])
        digest.save(folder / name)
    return bench.check.compare(folder / "want", folder / "got", other_work, has_ids=True)


def same(a: Any) -> Any:
    return a


def test_batches_in_another_order_are_the_same_bytes(bench: SimpleNamespace, tmp_path: Path) -> None:
    found = verdict(bench, tmp_path, lambda x: x[::-1], lambda y: y[::-1])
    assert (found.is_sound, found.words) == (True, "same bytes")


def test_roundings_are_told_apart_from_wrong_values(bench: SimpleNamespace, tmp_path: Path) -> None:
    close = verdict(bench, tmp_path, lambda x: x * np.float32(1 + 1e-6), same)
    assert close.is_sound
    assert close.words.startswith("same within ")
    assert not verdict(bench, tmp_path, lambda x: x * np.float32(1.01), same).is_sound
    said = verdict(bench, tmp_path, lambda x: x * np.float32(1.01), same, other_work="brighter")
    assert said.is_sound
    assert said.words.startswith("other work: brighter (up to ")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (lambda x: x[:9], lambda y: y[:9], "expected 10 samples, found 9"),
        (
            lambda x: x[[0, *range(9)]],
            lambda y: y[[0, *range(9)]],
            "expected every sample once, found 9 different ones",
        ),
        (same, lambda y: y[::-1], "values are up to"),
        (lambda x: x.astype(np.float64), same, "dtype: expected ['float32'], found ['float64']"),
        (lambda x: x[:, :8], same, "shape: expected [[12]], found [[8]]"),
    ],
)
def test_wrong_batches_are_refused(bench: SimpleNamespace, tmp_path: Path, x: Any, y: Any, words: str) -> None:
    found = verdict(bench, tmp_path, x, y)
    assert not found.is_sound
    assert found.words.startswith(words)


def test_classes_are_matched_by_content_and_checked(bench: SimpleNamespace, tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((6, 3, 14, 14), np.float32)
    labels = np.array([0, 0, 1, 1, 2, 2])
    order = np.array([3, 1, 5, 0, 2, 4])
    for name, shown in (("want", labels), ("right", labels[order]), ("wrong", labels[order][::-1])):
        digest = bench.check.Digest()
        digest.add(images if name == "want" else images[order], shown)
        digest.save(tmp_path / name)
    assert bench.check.compare(tmp_path / "want", tmp_path / "right", "", has_ids=False).words == "same bytes"
    wrong = bench.check.compare(tmp_path / "want", tmp_path / "wrong", "", has_ids=False)
    assert not wrong.is_sound
    assert wrong.words.endswith("samples have another one's label")


def test_photographs_of_the_same_thing_are_told_apart(bench: SimpleNamespace, tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    images = np.random.default_rng(0).random((6, 3, 14, 14), np.float32)
    images[1] = images[0] + np.float32(0.01)
    shown = images + np.float32(0.006)  # the first is now closer to the second
    labels = np.array([0, 0, 1, 1, 2, 2])
    for name, x in (("want", images), ("found", shown[::-1]), ("doubled", shown[[5, 4, 3, 2, 0, 0]])):
        digest = bench.check.Digest()
        digest.add(x, labels if name == "want" else labels[::-1])
        digest.save(tmp_path / name)
    found = bench.check.compare(tmp_path / "want", tmp_path / "found", "brighter", has_ids=False)
    assert found.is_sound
    assert found.words.startswith("other work: brighter")
    doubled = bench.check.compare(tmp_path / "want", tmp_path / "doubled", "brighter", has_ids=False)
    assert doubled.words == "expected every sample once, found 5 different ones"


def test_what_is_not_installed_is_said(bench: SimpleNamespace) -> None:
    with pytest.raises(bench.job.Skipped, match="no_such_library is not installed"):
        bench.rivals.need("no_such_library.part")


@pytest.mark.parametrize("scenario", sorted(file.stem for file in SCENARIOS.glob("torch_*.py")))
def test_scenarios_are_left_out_without_torch(scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastbatch.bench.run import run
    from fastbatch.bench.settings import Settings

    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('blocked', name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = Settings(scenarios=(scenario,), rivals=("torch",), smoke=True, rounds=1, data=tmp_path / "data")
    found = run(settings)["scenarios"][scenario]
    words = [one["skipped"] for one in (found, *found.get("contestants", {}).values()) if "skipped" in one]
    assert words
    assert not any("failed" in one for one in words), words


def test_a_contestant_that_dies_leaves_its_last_words(bench: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of luck"):
        bench.drive.Contestant("unlucky", [sys.executable, "-c", "raise SystemExit('out of luck')"], tmp_path / "log")


def results(ours: list[float], theirs: list[float], latency: float) -> dict[str, Any]:
    race = {"contestants": {"fastbatch": {"rates": ours}, "torch-w2": {"rates": theirs}, "tf": {"skipped": "absent"}}}
    value = {"target": "new epoch", "bound": "<= 200", "value": latency}
    return {"smoke": False, "scenarios": {"rows": race, "latency": {"values": {}, "targets": [value]}}}


@pytest.mark.parametrize(
    ("ours", "latency", "code", "said"),
    [
        ([95.0, 95.0], 105.0, 0, "same          rows: fastbatch / torch-w2: 10 -> 9.5"),
        ([80.0, 80.0], 100.0, 1, "WORSE         rows: fastbatch / torch-w2: 10 -> 8"),
        ([100.0, 100.0], 120.0, 1, "WORSE         latency: new epoch: 100 -> 120"),
        ([130.0, 130.0], 50.0, 0, "better        latency: new epoch: 100 -> 50"),
    ],
)
def test_compare_exits_by_the_margin(tmp_path: Path, ours: list[float], latency: float, code: int, said: str) -> None:
    (tmp_path / "old").write_text(json.dumps(results([100.0, 200.0], [10.0, 20.0], 100.0)))
    (tmp_path / "new").write_text(json.dumps(results(ours, [10.0, 10.0], latency)))
    command = [sys.executable, str(BENCH / "compare.py"), str(tmp_path / "old"), str(tmp_path / "new")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stdout.splitlines()


def test_a_race_runs_to_its_result_file(tmp_path: Path) -> None:
    words = [
        "--smoke",
        "--scenario",
        "rows_shuffled",
        "--rivals",
        "limit,numpy",
        "--rounds",
        "2",
        "--data",
        str(tmp_path),
    ]
    done = subprocess.run([sys.executable, str(BENCH / "run.py"), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*.json")
    race = json.loads(path.read_text())["scenarios"]["rows_shuffled"]
    found = race["contestants"]
    assert list(found) == ["limit", "limit-rows", "numpy", "numpy-tuned"]
    assert found["numpy"]["check"] == "same bytes"
    assert [len(found[name]["rates"]) for name in ("numpy", "numpy-tuned")] == [2, 2]
    if shutil.which("g++"):
        assert found["limit"]["min"] > 0
    assert race["targets"][0]["value"] is None  # fastbatch did not run
    assert "not measured  fastbatch / limit" in done.stdout


def result_file(folder: Path, name: str, scenarios: dict[str, Any]) -> Path:
    machine = {"cpu": "a CPU", "cpus": 2, "load_at_start": 0.25}
    code = {"commit": "0123456789abcdef", "is_modified": False, "simd": "AVX2"}
    path = folder / name
    path.write_text(json.dumps({"rounds": 3, "threads": 2, "machine": machine, "code": code, "scenarios": scenarios}))
    return path


def contestant(*rates: float, per_cpu_s: float = 1.0) -> dict[str, Any]:
    return {"rates": list(rates), "median": sorted(rates)[len(rates) // 2], "per_cpu_s": per_cpu_s}


def test_the_tables_of_the_documents_come_from_the_last_run(bench: SimpleNamespace, tmp_path: Path) -> None:
    import tables

    rows = {
        "unit": "rows/s",
        "contestants": {
            "limit": contestant(4e6, 4e6, 4e6, per_cpu_s=2e6),
            "fastbatch": contestant(3e6, 4e6, 3.6e6, per_cpu_s=1.5e6),
            "numpy": contestant(1e6, 2e6, 1.8e6),
            "tf": {"skipped": "not installed"},
        },
    }
    old = {**rows, "contestants": {**rows["contestants"], "fastbatch": contestant(1, 1, 1)}}
    paths = [
        result_file(tmp_path, "old.json", {"rows_shuffled": old, "words": {"values": {"lines / the file": 3.456}}}),
        result_file(tmp_path, "new.json", {"rows_shuffled": rows, "windows": {"skipped": "no compiler"}}),
    ]
    found = tables.load(paths)
    assert tables.race_rows(found)[2:] == [
        "| `rows_shuffled`: 200,000 x 784 float32, batch 256, shuffled | 4.00 M rows/s | 0.90 | 0.75 | 2.0 x (numpy) "
        "| - |"
    ]
    assert tables.value_rows(found)[2:] == ["| `words` | lines / the file | 3.5 |"]
    assert tables.origin(found).startswith("Medians of one run of 3 rounds, `--threads 2`: a CPU, 2 CPUs, ")

    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    tables.replace(page, ["new", "", "table"])
    assert page.read_text() == f"before\n{tables.BEGIN}\n\nnew\n\ntable\n\n{tables.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="expected the lines"):
        tables.replace(page, [])


def test_the_documents_have_the_marks_of_the_tables(bench: SimpleNamespace) -> None:
    import tables

    for page in ("README.md", "docs/performance.md"):
        text = (tables.ROOT / page).read_text()
        assert text.count(tables.BEGIN) == text.count(tables.END) == 1, page


def test_two_benchmarks_make_the_same_folder_of_data(tmp_path: Path) -> None:
    from fastbatch.bench.data import once

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "x").write_text("mine")
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos/x").write_text("another process was first")

    assert (once(tmp_path / "photos", make) / "x").read_text() == "another process was first"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
