# SPDX-License-Identifier: MIT
"""What the doctor concludes from what it observed: the limit, the gain, and the sentences."""

import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from fastbatch.doctor import page, report, words
from fastbatch.doctor.processes import Usage
from fastbatch.doctor.slow_files import file_times
from fastbatch.doctor.verdict import LIMITS, diagnose
from fastbatch.doctor.watch import Observed

NO_FILES = {"count": 0, "total_s": 0.0, "bins": {}, "slowest": []}


def samples(**kinds):
    return {
        "kinds": kinds,
        "lines": {f"{kind} /venv/lib/python3.11/site-packages/{kind}.py:7 f": n for kind, n in kinds.items()},
    }


def source(**changed):
    facts = {"workers": changed.pop("workers", 0), "batch_size": 32, **changed.pop("facts", {})}
    return {
        "kind": "torch",
        "name": "DataLoader of Photos",
        "place": "train.py:9",
        "tag": "torch Photos",
        "owns": False,
        "batches": 100,
        "passes": 1,
        "wait_s": 6.0,
        "cpu_s": 6.0,
        "first_s": 0.1,
        "work_s": 4.0,
        "first_work_s": 0.1,
        "longest_s": 0.2,
        "holds_arrays": True,
        "is_inside": False,
        "inner": "",
        "samples": samples(decode=70, python=30),
        "facts": facts,
        **changed,
    }


def worker(busy_s, cpu_s=None, **kinds):
    cpu_s = busy_s if cpu_s is None else cpu_s
    return {"fetches": 50, "busy_s": busy_s, "cpu_s": cpu_s, "first_at": 0, "last_at": 1, "samples": samples(**kinds)}


def observed(*sources, workers=(), usage=None, beside=(), elapsed_s=12.0, queue_s=0.0):
    scheduled = {"run_s": 10.0, "queue_s": queue_s}
    records = [{"sources": list(sources), "work": {}, "files": NO_FILES, "scheduled": scheduled}]
    records += [{**records[0], "sources": [], "work": {"torch Photos": made}} for made in workers]
    usage = usage or Usage(cpu_s=10.0)
    return Observed(("python", "train.py"), 0, elapsed_s, usage, tuple(records), tuple(beside), 2)


def limit(*sources, **options):
    return diagnose(observed(*sources, **options)).loops[0].limit


@pytest.mark.parametrize(
    ("expected", "changed"),
    [
        ("decode", {}),
        ("python", {"samples": samples(decode=30, python=70)}),
        ("transform", {"samples": samples(decode=30, transform=70)}),
        ("library", {"samples": samples()}),
        ("library", {"samples": samples(**{"hand-over": 60, "decode": 40})}),
        ("waiting", {"cpu_s": 1.0}),
        ("disk", {"cpu_s": 1.0, "samples": samples(disk=80, python=20)}),
        ("none", {"wait_s": 0.2, "cpu_s": 0.2}),
        ("short", {"batches": 4}),
        ("start", {"first_s": 5.0}),
        ("unknown", {"facts": {"hides_wait": True}, "kind": "keras"}),
    ],
)
def test_the_limit_without_workers(expected, changed):
    assert limit(source(**changed)) == expected


@pytest.mark.parametrize(
    ("expected", "makers"),
    [
        ("decode", [worker(9.0, decode=80, python=20), worker(9.5, decode=80)]),
        ("python", [worker(9.0, python=80), worker(9.5, decode=20)]),
        ("waiting", [worker(9.0, 1.0, python=80)] * 2),
        ("hand-over", [worker(3.0, decode=80)] * 2),
    ],
)
def test_the_limit_with_workers(expected, makers):
    assert limit(source(workers=2), workers=makers) == expected


@pytest.mark.parametrize(("expected", "busy_s"), [("decode", 7.0), ("hand-over", 1.0)])
def test_workers_on_a_crowded_machine(expected, busy_s):
    makers = [worker(busy_s, 0.3 * busy_s, decode=80)] * 2
    assert limit(source(workers=2), workers=makers, usage=Usage(cpu_s=8.0, queue_s=15.0), queue_s=30.0) == expected


def test_all_cpus_busy_with_this_program():
    """The workers' work waits for a CPU, and no other program takes them."""
    busy = Usage(cpu_s=22.0, queue_s=15.0)
    assert limit(source(workers=2), workers=[worker(9.0, 5.5, decode=80)] * 2, usage=busy, queue_s=8.0) == "cpu"
    others = Usage(cpu_s=8.0, queue_s=15.0, others_s=12.0)
    diagnosis = diagnose(
        observed(source(workers=2), workers=[worker(9.0, 5.5, decode=80)] * 2, usage=others, queue_s=8.0)
    )
    assert diagnosis.loops[0].limit == "decode"
    assert "Other programs took CPU time" in " ".join(words.machine(diagnosis))
    alone = diagnose(observed(source(), usage=Usage(cpu_s=8.0, queue_s=15.0, others_s=1.0)))  # its own processes wait
    assert "Other programs" not in " ".join(words.machine(alone))


def test_work_inside_tensorflow():
    hidden = source(facts={"hides_wait": True}, kind="keras", wait_s=0.0, work_s=10.0)
    assert limit(hidden, workers=[worker(9.5, python=80)]) == "python"
    assert limit(hidden, workers=[worker(2.0, python=80)]) == "none"


def test_the_loop_that_waits_longest_comes_first():
    quick = source(name="validation", place="train.py:20", wait_s=0.1, work_s=30.0)
    slow = source(wait_s=3.0, work_s=3.0)
    diagnosis = diagnose(observed(quick, slow, elapsed_s=40.0))
    assert [loop.place for loop in diagnosis.loops] == ["train.py:9", "train.py:20"]
    assert words.headline(diagnosis).startswith("The loop at train.py:9 waits for data 50 % of the time.")


@pytest.mark.parametrize(
    "changed",
    [
        {"is_inside": True},
        {"inner": "DataLoader of Photos"},
        {"batches": 0},
        {"kind": "loop", "batches": 1},
        {"kind": "loop", "wait_s": 0.01, "work_s": 0.02},
        {"kind": "loop", "holds_arrays": False, "wait_s": 0.1},
    ],
)
def test_parts_of_loaders_and_other_loops_are_left_out(changed):
    assert diagnose(observed(source(**changed))).loops == ()


def test_headlines():
    def headline(*sources, **options):
        return words.headline(diagnose(observed(*sources, **options)))

    assert headline() == "No loop over batches was seen."
    failed = replace(observed(), exit_code=1)
    assert words.headline(diagnose(failed)) == "The command ended with exit code 1. No loop over batches was seen."
    assert headline(source()) == "Training waits for data 60 % of the time. The limit is decoding."
    nothing = headline(source(wait_s=0.02, cpu_s=0.01))
    assert (
        nothing == "Training does not wait for data: 0.5 % of the loop. There is nothing to gain from a faster loader."
    )
    assert "too few to judge" in headline(source(batches=3))
    assert set(words.ADVICE) == set(LIMITS) - {"none"}


def test_files_of_all_processes_are_one_histogram():
    one = {"total_s": 1.0, "bins": {"40": 99}, "slowest": [[0.001, "a"]]}  # 40: 2 ** 10 microseconds
    other = {"total_s": 2.0, "bins": {"72": 2}, "slowest": [[0.27, "slow.jpg"], [0.26, "slow too.jpg"]]}
    times = file_times([one, other])
    assert (times.count, times.slow, times.total_s) == (101, 2, 3.0)
    assert times.median_s == pytest.approx(1.1e-3, rel=0.1)
    assert [path for _, path in times.slowest] == ["slow.jpg", "slow too.jpg"]
    assert file_times([NO_FILES]).count == 0


def test_slow_files_are_counted_by_name_where_all_are_kept():
    """A bin that begins at 19.5 ms, below the limit of 20 ms, has slow files, too."""
    few = {"total_s": 1.0, "bins": {"40": 99, "57": 2}, "slowest": [[0.0221, "a"], [0.0201, "b"], [0.001, "c"]]}
    assert (file_times([few]).slow, file_times([few]).slow_s) == (2, pytest.approx(0.0422))
    many = {"total_s": 9.0, "bins": {"40": 99, "72": 30}, "slowest": [[0.3, f"{i}"] for i in range(20)]}
    assert file_times([many]).slow == 30
    assert file_times([many]).slow_s == pytest.approx(30 * 0.286, rel=0.01)


COMPARED = {
    "name": "DataLoader of Photos",
    "place": "train.py:9",
    "problem": "",
    "theirs": "torch.utils.data.DataLoader",
    "ours": "fastbatch.torch.DataLoader",
    "compared": 4,
    "same": True,
    "difference": "",
    "theirs_per_s": 10.0,
    "ours_per_s": 40.0,
    "explain": "part     runs    why\ndataset  native  <96 files>",
    "diff": "--- train.py\n-from torch.utils.data import DataLoader\n+from fastbatch.torch import DataLoader",
}


def test_the_gain_is_bounded_by_the_work():
    loops = diagnose(observed(source())).loops
    gain = words.gain(loops, COMPARED)
    assert (gain.faster, gain.step_s, gain.best_s) == (4.0, 0.1, 0.04)
    assert words.gain(loops, {**COMPARED, "ours_per_s": 12.5}).best_s == 0.08
    assert words.gain(loops, {**COMPARED, "theirs_per_s": None}) is None
    lines = words.compared(COMPARED, gain)
    assert lines[0] == "4 batches compared: the same bytes."
    assert lines[2] == "A step with its batch takes 100 ms now, and at best 40 ms: 60 % less."


def test_batches_that_differ_are_not_recommended():
    lines = words.compared({**COMPARED, "same": False, "difference": "batch 0[0]: values differ by up to 3"}, None)
    assert lines == ["The batches differ, so it is not recommended: batch 0[0]: values differ by up to 3."]
    lines = words.compared({"name": "x", "problem": "ValueError: no", "advice": "do"}, None)
    assert lines == ["Not compared: ValueError: no.", "Instead: do."]


def test_the_report_in_the_terminal():
    console = pytest.importorskip("rich.console")
    file = io.StringIO()
    diagnosis = diagnose(observed(source(), beside=[COMPARED]))
    report.show(diagnosis, console.Console(file=file, width=100))
    text = file.getvalue()
    for expected in ("60 % of the time", "train.py:9", "decoding 70 %", "40.0 with fastbatch", "+from fastbatch.torch"):
        assert expected in text
    assert json.loads(json.dumps(report.as_json(diagnosis)))["loops"][0]["limit"] == "decode"


@pytest.mark.parametrize("known", [True, False])
def test_lines_to_change_are_listed_if_the_loader_would_be_faster(known):
    def listed(**changed):
        named = {} if known else {"name": "another"}
        return words.diffs(diagnose(observed(source(), beside=[{**COMPARED, **named, **changed}])))

    assert listed() == [COMPARED["diff"]]
    assert listed(ours_per_s=COMPARED["theirs_per_s"] / 2) == []
    assert listed(diff="") == []


def test_the_page_has_what_is_said_of_each_loop():
    class Text(HTMLParser):
        said = ""

        def handle_data(self, data):
            self.said += data

    diagnosis = diagnose(observed(source(), beside=[COMPARED]))
    (loop,) = diagnosis.loops
    reader = Text()
    reader.feed(page.page(diagnosis))
    said = reader.said.replace("`", "")
    details = [value for name, value in words.details(loop) if name != "making a batch"]  # which is the bar
    for sentence in (words.advice(loop), *details, *words.machine(diagnosis)):
        assert sentence.replace("`", "") in said
    for kind, share in loop.parts.items():
        assert f"{words.NAMES[kind]} {words.percent(share)}" in said


def test_the_page_is_one_file():
    text = page.page(diagnose(observed(source(), beside=[COMPARED])))
    assert text.startswith("<!doctype html>")
    assert "&lt;96 files&gt;" in text
    assert "<96 files>" not in text
    for loads in ("http:", "https:", "<script", "<link", "src=", "@import", "url("):
        assert loads not in text
    assert "No loop over batches was seen." in page.page(diagnose(observed()))


def test_units():
    assert [words.percent(x) for x in (0, 0.004, 0.0996, 0.63, 1)] == ["0 %", "0.4 %", "10 %", "63 %", "100 %"]
    assert [words.seconds(x) for x in (123.4, 1.234, 0.048, 0.0009)] == ["123 s", "1.23 s", "48 ms", "0.9 ms"]
