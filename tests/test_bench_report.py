# SPDX-License-Identifier: MIT
"""`fastbatch bench`: verdicts and noise, the report, and which contestants take part."""

import importlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from fastbatch.bench import compare, labels, noise, page, race, rivals, settings, svg, verdict


def contestant(*rates, check="same bytes"):
    middle = sorted(rates)[len(rates) // 2]
    found = {"rates": list(rates), "median": middle, "min": min(rates), "max": max(rates)}
    return {**found, "cores": 2.0, "per_cpu_s": middle / 2, "check": check, "config": "threads=2"}


def race_of(ours, theirs, others=0.01, limit=None):
    contestants = {"fastbatch": contestant(*ours), "torch-w2": contestant(*theirs), "tf": {"skipped": "absent"}}
    if limit:
        contestants["limit"] = contestant(*limit)
    made = {"unit": "rows/s", "question": "How fast?\n\nMore.", "contestants": contestants, "cache": "warm"}
    made["job"] = {"n": 100, "batch_size": 10, "threads": 2, "shuffle": True}
    made["noise"] = {"others": others, "load_before": 0.1}
    return {**made, "verdict": verdict.verdict(made)}


# ---- verdicts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "others", "words"),
    [
        ([300, 310, 305], [100, 100, 100], 0.5, "No verdict, the machine was too noisy: other programs used 50%"),
        (
            [300, 100, 500],
            [100, 100, 100],
            0.01,
            "No verdict, the machine was too noisy: the middle half of the ratios",
        ),
        ([300, 310], [100, 100], 0.01, "No verdict: 2 rounds were timed, at least 3 are needed."),
        ([300], [100], 0.01, "No verdict: 1 round was timed, at least 3 are needed."),
    ],
)
def test_there_is_no_verdict_without_a_quiet_machine(ours, theirs, others, words):
    found = race_of(ours, theirs, others)["verdict"]
    assert found["words"].startswith(words)
    assert not found["is_sound"]
    assert found["is_noisy"] == ("noisy" in words)


def test_no_verdict_without_both_sides():
    made = race_of([300, 300, 300], [100, 100, 100])
    del made["contestants"]["torch-w2"]
    assert verdict.verdict(made)["words"] == "No verdict: another loader did not run."
    made["noise"]["others"] = 0.5  # which is said also without another loader
    assert verdict.verdict(made)["is_noisy"]
    made["contestants"] = {"tf": contestant(1, 1, 1)}
    assert verdict.verdict(made)["words"] == "No verdict: fastbatch did not run."


@pytest.mark.parametrize(
    ("ours", "others", "words"),
    [
        (
            [300, 310, 305],
            0.01,
            "fastbatch is 3.05 times as fast as the fastest other loader, PyTorch DataLoader, 2 wo",
        ),
        ([300, 310, 305], None, "fastbatch is 3.05 times as fast as"),
        (
            [101, 99, 100],
            0.01,
            "fastbatch and the fastest other loader, PyTorch DataLoader, 2 workers, are equally fast",
        ),
        ([50, 51, 50], 0.01, "fastbatch has 50% of the speed of the fastest other loader"),
    ],
)
def test_a_verdict_on_a_quiet_machine(ours, others, words):
    found = race_of(ours, [100, 100, 100], others)["verdict"]
    assert found["words"].startswith(words)
    assert found["is_sound"]
    assert found["low"] <= found["ratio"] <= found["high"]


def test_a_loader_that_varies_on_a_steady_machine_is_no_noise():
    """tf.data alternates between two rates on two cores, beside others that vary by 3 %."""
    ours, theirs = [374, 366, 380, 387, 366], [78, 116, 78, 120, 111]
    for limit in (None, [258, 247, 260, 262, 257]):
        found = race_of(ours, theirs, limit=limit)["verdict"]
        assert found["is_sound"] and not found["is_noisy"]
        assert found["words"].startswith("fastbatch is 3.30 times as fast")
        assert "Its own rate varies: the middle half of its rounds spreads over 34% of their median." in found["words"]
    assert race_of(ours, theirs, limit=[258, 500, 260, 510, 257])["verdict"]["is_noisy"]
    assert race_of([374, 300, 380, 250, 366], theirs)["verdict"]["is_noisy"]


def test_ratios_are_taken_within_rounds():
    """Both sides were slower in the second round, by the same factor: the machine was, not a loader."""
    assert race_of([200, 100, 200], [100, 50, 100])["verdict"]["ratio"] == 2.0


def test_the_share_of_the_limit():
    assert verdict.share_of_limit(race_of([90, 90, 90], [1, 1, 1], limit=[100, 100, 100])) == 0.9
    assert verdict.share_of_limit(race_of([90, 90, 90], [1, 1, 1])) is None
    assert verdict.share_of_limit(race_of([90, 90, 90], [1, 1, 1], 0.5, limit=[100, 100, 100])) is None  # too noisy


def test_the_meter_tells_others_from_the_contestant(monkeypatch, tmp_path):
    """Two CPUs, 10 s: 12 of the 20 seconds were busy, 8 of them with the contestant."""
    stat = tmp_path / "stat"
    monkeypatch.setattr(noise, "STAT", stat)
    meter = noise.Meter()
    tick = noise.os.sysconf("SC_CLK_TCK")
    stat.write_text(f"cpu  {5 * tick} 0 0 {9 * tick} 0 0 0 0 0 0\ncpu0 ...\n")
    with meter:
        stat.write_text(f"cpu  {14 * tick} 0 {2 * tick} {16 * tick} {tick} 0 0 {1 * tick} 0 0\n")
    meter.add_own(8.0)
    assert meter.found()["others"] == pytest.approx((12 - 8) / 20)


def test_the_meter_without_proc_stat(monkeypatch, tmp_path):
    monkeypatch.setattr(noise, "STAT", tmp_path / "absent")
    meter = noise.Meter()
    with meter:
        pass
    assert meter.found()["others"] is None


# ---- the report --------------------------------------------------------------------------------------------------


def whole(**scenarios):
    return {
        "smoke": False,
        "rounds": 3,
        "threads": 2,
        "images": None,
        "machine": {"cpu": "a <fast> CPU", "cpus": 2, "memory_gib": 8.0, "python": "3.11", "load_at_start": 0.1},
        "code": {"version": "1.2", "commit": None, "is_modified": False, "simd": "AVX2"},
        "scenarios": scenarios,
    }


class Tags(HTMLParser):
    """Checks that elements are closed in order; collects addresses and the text."""

    VOID = frozenset(["meta", "br", "rect", "line"])

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(html):
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "://" not in "".join(tags.addresses)  # nothing is loaded from elsewhere
    return tags


def test_the_page_has_everything_and_needs_no_other_file():
    quiet, noisy = race_of([300, 310, 305], [100, 100, 100], limit=[400, 400, 400]), race_of([1, 2, 3], [1, 1, 1], 0.7)
    values = {"question": "How long?", "values": {"new epoch (us)": 34.5}, "targets": []}
    found = whole(rows=quiet, windows=noisy, latency=values, csv={"question": "?", "skipped": "pyarrow is <absent>"})
    tags = read(page.page(found, ["same          rows: 1 -> 1"], "2026-01-01 12:00 UTC"))
    text = " ".join(tags.text.split())
    for words in (
        "a <fast> CPU, 2 CPUs, 8 GiB",
        "fastbatch 1.2 with AVX2 kernels, Python 3.11",
        "3.05 \u00d7 as fast as PyTorch DataLoader, 2 workers",
        "no verdict",
        "76%",
        "too noisy for 1 of 2 races",
        "How to read this page",
        "other programs used 70% of the CPUs",
        "new epoch (us)34.500",
        "csv: pyarrow is <absent>",
        "same rows: 1 -> 1",
        "fastbatch bench --scenario rows,windows,latency,csv --rounds 3 --threads 2",
    ):
        assert words in text, words
    assert "#rows" in tags.addresses
    assert 'id="rows"' in page.page(found)


def test_the_page_of_a_smoke_run_says_so():
    found = {**whole(rows=race_of([1, 1, 1], [1, 1, 1])), "smoke": True}
    assert "This was a smoke run on tiny data" in read(page.page(found)).text


def test_bars_are_as_long_as_the_rates():
    drawn = svg.bars(race_of([300, 300, 300], [100, 100, 100], limit=[400, 400, 400]))
    read(drawn)
    widths = [float(one) for one in re.findall(r'class="(?:ours|limit|other)" [^>]* width="([\d.]+)"', drawn)]
    assert widths[1] == pytest.approx(widths[0] * 0.75, rel=1e-3)
    assert widths[2] == pytest.approx(widths[0] * 0.25, rel=1e-3)
    assert svg.bars({"contestants": {"tf": {"skipped": "absent"}}, "unit": "rows/s"}) == ""


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    from fastbatch.bench import bars

    path = tmp_path / "rows.png"
    assert bars.save("rows", race_of([300, 310, 305], [100, 100, 100]), path, "a CPU")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    assert not bars.save("rows", {"contestants": {}}, tmp_path / "none.png", "a CPU")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fastbatch", "fastbatch"),
        ("fastbatch-t1", "fastbatch, 1 thread"),
        ("fastbatch-avx2", "fastbatch, avx2"),
        ("torch-batched-w2", "PyTorch DataLoader, whole batches of indices, 2 workers"),
        ("torch-w0", "PyTorch DataLoader, no workers"),
        ("limit-crop", "The machine's limit, crops only"),
        ("unheard", "unheard"),
    ],
)
def test_labels(name, words):
    assert labels.label(name) == words


def test_every_library_has_a_name():
    from fastbatch.bench import rivals

    assert set(rivals.DISTRIBUTIONS) <= set(labels.LIBRARIES)


def test_comparison_counts_what_is_worse():
    old, new = whole(rows=race_of([300] * 3, [100] * 3)), whole(rows=race_of([200] * 3, [100] * 3))
    lines, failures = compare.compare(old, new, 0.1)
    assert lines[0] == "WORSE         rows: fastbatch / torch-w2: 3 -> 2"
    assert failures == 1
    assert compare.compare(old, old, 0.1)[1] == 0


# ---- contestants -------------------------------------------------------------------------------------------------


class Scenario:
    RIVALS = ("fastbatch", "pure", "torch-w0", "torch-w2", "tf")
    SMOKE = ("fastbatch", "tf")

    @staticmethod
    def limits(job):
        return {"limit": []}


class Threads:
    threads = 4


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["limit", "fastbatch", "pure", "torch-w0", "torch-w4", "tf"]),
        ({"smoke": True}, ["limit", "fastbatch", "tf"]),
        ({"rivals": ("torch", "fastbatch"), "smoke": True}, ["fastbatch", "torch-w0", "torch-w4"]),
        ({"rivals": ("torch-w2",)}, ["torch-w4"]),
        ({"rivals": ("fastbatch",), "simd": ("avx2", "scalar")}, ["fastbatch", "fastbatch-avx2", "fastbatch-scalar"]),
    ],
)
def test_contestants(options, names):
    assert race.names(Scenario, Threads, settings.Settings(**options)) == names


def test_instruction_sets_are_chosen_by_the_environment():
    chosen = settings.Settings(simd=("avx2",))
    assert race.environment_of("fastbatch-avx2", chosen) == {"FASTBATCH_SIMD": "avx2"}
    assert race.environment_of("fastbatch-unadvised", chosen) == {"FASTBATCH_READAHEAD": "0"}
    assert race.environment_of("fastbatch", chosen) == race.environment_of("torch-avx2", chosen) == {}


def test_the_line_of_the_limit_is_at_the_limit_of_the_ratio():
    made = race_of([400, 400, 400], [100, 100, 100])
    made["contestants"] |= {"limit-crop": contestant(200, 200, 200), "limit-full": contestant(100, 100, 100)}
    assert verdict.share_of_limit(made) == 2.0
    x = svg.NAMES + (svg.WIDTH - svg.NAMES - svg.FIGURES) / 2
    assert f'<line class="mark" x1="{x:.1f}"' in svg.bars(made)


def test_words_for_which_there_is_no_room_are_whole_under_the_mouse():
    words = "same bytes, but each batch overwrites the <last> one"
    text = svg.bars(race_of([400], [100]) | {"contestants": {"fastbatch": contestant(1, 1, 1, check=words)}})
    assert f"{words[:37]}…<title>{words.replace('<', '&lt;').replace('>', '&gt;')}</title>" in text


def test_names_of_one_library_differ_where_they_are_cut():
    names = ["torch-batched-w0", "torch-batched-w2"]
    text = svg.bars(race_of([400], [100]) | {"contestants": {name: contestant(1, 1, 1) for name in names}})
    assert text.count("… ") == 2
    assert "… no workers<title>" in text
    assert "… 2 workers<title>" in text


def test_every_contestant_has_an_adapter_its_libraries_and_a_name():
    folder = Path(rivals.__file__).parent
    adapters = {path.stem for path in folder.glob("[a-z]*.py")} - {"keras"}  # which a measurement uses
    assert adapters == set(rivals.DISTRIBUTIONS)
    named = set()
    for path in (folder.parent / "scenarios").glob("[a-z]*.py"):
        scenario = importlib.import_module(f"fastbatch.bench.scenarios.{path.stem}")
        named |= {name.partition("-")[0] for name in getattr(scenario, "RIVALS", ())}
    assert {"ffcv", "torchvision", "dali", "spdl"} < named <= adapters <= set(labels.LIBRARIES)
