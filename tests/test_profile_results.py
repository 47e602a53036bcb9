# SPDX-License-Identifier: MIT
"""What a profile says about known events: the summary, its text, the trace and the picture, figure by figure."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import fastbatch
from fastbatch.profile import picture
from fastbatch.profile.events import ADVISE, DECODE, EVENT, TAKE, WAIT

BEGIN_NS = 5_000_000_000
EVENTS = [  # begin and end in ms, kind, thread, batch, sample, count, column, faults of memory and of a disk
    (0, 400, DECODE, 0, 0, 5, 1, 0, 3, 0),
    (400, 500, DECODE, 0, 0, 5, 1, 1, 0, 0),
    (600, 800, DECODE, 0, 1, 5, 1, 0, 0, 0),  # in the next epoch
    (100, 290, DECODE, 1, 0, 6, 1, 0, 0, 1),
    (300, 320, DECODE, 1, 0, 6, 1, 1, 0, 0),
    (600, 700, DECODE, 1, 1, 0, 4, 0, 0, 0),
    (700, 750, ADVISE, 1, 2, 0, 0, 0, 0, 0),
    (50, 450, WAIT, 2, 0, 0, 0, 0, 0, 0),
    (500, 500, TAKE, 2, 0, 0, 1, 0, 0, 0),
    (900, 900, TAKE, 2, 1, 0, 3, 0, 0, 0),
    (1000, 1100, DECODE, 2, 2, 9, 2, 0, 0, 0),
]
SPANS = [("next", 0, 510, 0), ("map", 450, 500, 0), ("next", 900, 1000, 1)]  # in ms; then the number of the batch


def at(ms):
    return BEGIN_NS + ms * 1_000_000


@pytest.fixture
def profile():
    """Two threads and a consumer, two seconds."""
    files = [f"{i}.jpg".encode() for i in range(10)]
    named = type("Files", (), {"__len__": lambda self: 10, "name": lambda self, i: files[i]})()
    made = fastbatch.arrays(np.zeros(4), batch_size=2).profile()
    made._loader = SimpleNamespace(recipe=SimpleNamespace(files=named))
    made._begin_ns, made._end_ns = at(0), at(2000)
    made.threads, made.columns = 2, ("image", "index")
    made.events = np.zeros(len(EVENTS), EVENT)
    names = ("begin_ns", "end_ns", "kind", "thread", "batch", "sample", "count", "column")
    for name, values in zip((*names, "minor_faults", "major_faults"), zip(*EVENTS, strict=True), strict=True):
        made.events[name] = [at(ms) for ms in values] if name.endswith("_ns") else values
    made.spans.extend((name, at(begin), at(end), batch) for name, begin, end, batch in SPANS)
    return made


def test_the_summary(profile):
    facts = profile.summary()
    slowest = facts.pop("slowest")
    assert facts == {
        "elapsed_s": 2.0,
        "batches": 2,
        "samples": 9,
        "threads": 2,
        "overwritten": 0,
        "next_share": pytest.approx(0.61 / 2),
        "wait_share": pytest.approx(0.4 / 2),
        "busy_share": pytest.approx(1.06 / 4),  # of the two threads: the consumer's own work is not theirs
        "stages": pytest.approx({"image 0": 0.99, "index 1": 0.12, "advise": 0.05, "map": 0.05}),
        "ready": {"mean": 2.0, "none_share": 0.5},
        "minor_faults": 3,
        "major_faults": 1,
    }
    assert slowest == [  # all columns of a sample, for one time that it was decoded
        {"seconds": pytest.approx(0.35), "sample": 5, "name": "5.jpg"},
        {"seconds": pytest.approx(0.21), "sample": 6, "name": "6.jpg"},
    ]


def test_the_ten_slowest_samples_are_listed(profile):
    profile.events = np.zeros(30, EVENT)
    profile.events["sample"], profile.events["count"] = np.arange(30) % 10, 1
    profile.events["sample"][20:] = np.arange(30, 40)
    profile.events["begin_ns"], profile.events["end_ns"] = at(0), at(1) + np.arange(30)
    listed = [one["sample"] for one in profile.summary()["slowest"]]
    assert listed == list(range(39, 29, -1))
    assert profile.summary()["slowest"][0]["name"] == "sample 39"  # beyond the files that are known


def test_the_summary_as_text(profile):
    profile.overwritten = 1
    assert repr(profile).splitlines() == [
        "2 batches, 9 samples in 2 s; 2 threads",
        "30% of the time in next(), 20% waiting there for threads; threads busy 26%",
        "  image 0         0.990 s  24.8%",
        "  index 1         0.120 s   3.0%",
        "  advise          0.050 s   1.2%",
        "  map             0.050 s   1.2%",
        "2.0 batches were ready on average; in 50% only the one taken",
        "page faults: 3 of memory alone, 1 waiting for a disk",
        "1 older event was overwritten: profile(events=...) keeps more",
        "    350.00 ms  5.jpg",
        "    210.00 ms  6.jpg",
    ]


def test_a_loader_without_threads_as_text(profile):
    profile.threads = 0
    profile.events["thread"] = 0
    facts = profile.summary()
    assert facts["busy_share"] == pytest.approx(1.11 / 2)  # the work on samples
    lines = repr(profile).splitlines()
    assert lines[0].endswith("no threads of its own")
    assert lines[1].endswith("making batches 56%")
    assert not any("ready on average" in line for line in lines)


def test_batches_are_counted_by_next_where_no_events_are(profile):
    profile.events = profile.events[:0]
    facts = profile.summary()
    assert (facts["batches"], facts["samples"], facts["busy_share"]) == (2, 0, 0)
    assert facts["ready"] == {"mean": 0.0, "none_share": 0.0}
    profile.spans.clear()
    assert profile.summary()["batches"] == 0


def test_the_trace(profile, tmp_path):
    profile.save(tmp_path / "trace.JSON")
    content = json.loads((tmp_path / "trace.JSON").read_text())
    assert content["displayTimeUnit"] == "ms"
    assert content["otherData"]["summary"] == profile.summary()
    entries = content["traceEvents"]
    threads = {entry["tid"]: entry["args"]["name"] for entry in entries if entry["name"] == "thread_name"}
    assert threads == {0: "worker 0", 1: "worker 1", 2: "consumer: next()"}
    made = [(e["name"], e["ts"], e["dur"], e["tid"], e["args"]) for e in entries if e["ph"] == "X"]
    one = {"samples": 1, "first_sample": 5, "name": "5.jpg"}
    six = {"batch": 0, "samples": 1, "first_sample": 6, "name": "6.jpg"}
    assert made == [
        ("image", 0, 400_000, 0, {"batch": 0, **one, "minor_faults": 3, "major_faults": 0}),
        ("index", 400_000, 100_000, 0, {"batch": 0, **one}),
        ("image", 600_000, 200_000, 0, {"batch": 1, **one}),
        ("image", 100_000, 190_000, 1, {**six, "minor_faults": 0, "major_faults": 1}),
        ("index", 300_000, 20_000, 1, six),
        ("image", 600_000, 100_000, 1, {"batch": 1, "samples": 4, "first_sample": 0}),
        ("advise", 700_000, 50_000, 1, {"batch": 2}),
        ("wait", 50_000, 400_000, 2, {"batch": 0}),
        ("image", 1_000_000, 100_000, 2, {"batch": 2, "samples": 2, "first_sample": 9}),
        ("next", 0, 510_000, 2, {"batch": 0}),
        ("map", 450_000, 50_000, 2, {"batch": 0}),
        ("next", 900_000, 100_000, 2, {"batch": 1}),
    ]
    assert [(e["ts"], e["args"]) for e in entries if e["ph"] == "C"] == [
        (500_000, {"ready": 1}),
        (900_000, {"ready": 3}),
    ]


# ---- the picture -------------------------------------------------------------------------------------------------


def drawn(profile, tmp_path, monkeypatch):
    """Return the figure that is saved."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    saved = []
    write = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (saved.append(self), write(self, *a, **k)))
    profile.save(tmp_path / "profile.png")
    (figure,) = saved
    return figure


def bars(axes):
    """Return (begin, end, row) of each bar, as ms, in order."""
    boxes = [path.get_extents() for part in axes.collections for path in part.get_paths()]
    return sorted((round(1e3 * box.x0), round(1e3 * box.x1), round((box.y0 + box.y1) / 2)) for box in boxes)


BARS = [  # the consumer is row 0, the threads are rows 1 and 2
    (0, 400, 1),
    (0, 510, 0),
    (100, 290, 2),
    (300, 320, 2),
    (400, 500, 1),
    (450, 500, 0),
    (510, 900, 0),  # the user's own work
    (600, 700, 2),
    (600, 800, 1),
    (700, 750, 2),
    (900, 1000, 0),
    (1000, 1100, 0),
]


def test_the_picture(profile, tmp_path, monkeypatch):
    figure = drawn(profile, tmp_path, monkeypatch)
    threads, queue = figure.axes
    assert bars(threads) == BARS
    assert [label.get_text() for label in threads.get_yticklabels()] == ["consumer", "thread 0", "thread 1"]
    assert threads.yaxis_inverted()
    legend = threads.get_legend()
    names = ["work between batches", "next()", "map", "image 0", "index 1", "advise"]
    assert [text.get_text() for text in legend.get_texts()] == names
    colors = [patch.get_facecolor() for patch in legend.get_patches()]
    assert len(set(colors)) == len(names)
    (line,) = queue.lines
    assert line.get_xydata().tolist() == [[0.5, 1], [0.9, 3]]
    assert line.get_drawstyle() == "steps-post"
    assert queue.get_xlim() == threads.get_xlim() == (0, 2)
    assert (queue.get_ylabel(), queue.get_xlabel()) == ("ready\nbatches", "seconds")
    assert figure._suptitle.get_text() == "30% of the time in next(); threads busy 26%"


def test_a_picture_of_a_part(profile, tmp_path, monkeypatch):
    """More events than can be told apart: those in the middle are drawn, with bars that begin or end outside."""
    monkeypatch.setattr(picture, "MOST_BARS", 5)
    figure = drawn(profile, tmp_path, monkeypatch)
    begins = sorted(event[0] for event in EVENTS)
    assert figure.axes[1].get_xlim() == (begins[3] / 1e3, begins[7] / 1e3) == (0.3, 0.6)
    within = [bar for bar in BARS if bar[0] < 600 and bar[1] > 300]
    assert bars(figure.axes[0]) == within
    assert figure._suptitle.get_text().endswith("busy 26%; 0.3 of 2 s shown")


def test_a_picture_without_calls_of_next_shows_waiting(profile, tmp_path, monkeypatch):
    """Iterators from before the recording note no calls."""
    profile.spans.clear()
    figure = drawn(profile, tmp_path, monkeypatch)
    assert (50, 450, 0) in bars(figure.axes[0])
    assert "waiting" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
