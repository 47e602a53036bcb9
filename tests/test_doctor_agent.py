# SPDX-License-Identifier: MIT
"""The doctor's agent: what it keeps of the script's arrays, and how it sums up CPU time."""

import threading
import weakref

import numpy as np
import pytest

from fastbatch.doctor.agent import output, record, sampler


def test_a_look_keeps_no_arrays(monkeypatch):
    source = record.Source("loop", "a loop")
    begun, may_end = threading.Event(), threading.Event()
    kept = []

    def load():
        x = np.zeros(1000)
        kept.append(weakref.ref(x))
        begun.set()
        may_end.wait(30)

    def while_it_ends(number):
        may_end.set()
        thread.join(30)
        kept.append(kept[0]())
        return False

    thread = threading.Thread(target=load)
    thread.start()
    begun.wait(30)
    monkeypatch.setattr(sampler, "_waits_for_disk", while_it_ends)
    monkeypatch.setitem(record.INSIDE, thread.ident, source)
    sampler.look()
    assert list(source.samples.kinds.values()) == [1]
    assert kept[1] is None


class Clocks:
    """Time that passes only by `work`, and the questions about CPU time."""

    def __init__(self, monkeypatch):
        self.elapsed_s = self.cpu_s = 0.0
        self.questions = 0
        for module in (record, output):
            monkeypatch.setattr(module, "perf_counter", lambda: self.elapsed_s)
            monkeypatch.setattr(module, "thread_time", self.ask)

    def ask(self):
        self.questions += 1
        return self.cpu_s

    def work(self, elapsed_s, cpu_s):
        self.elapsed_s += elapsed_s
        self.cpu_s += cpu_s


@pytest.mark.parametrize("kind", ["pass", "work"])
def test_short_batches_share_an_answer_about_cpu_time(monkeypatch, kind):
    clocks = Clocks(monkeypatch)
    source = record.Source("loop", "a loop") if kind == "pass" else output.Work()
    one = record.Pass(source) if kind == "pass" else source
    begin, end = (one.enter, lambda: one.leave(True)) if kind == "pass" else (one.begin, one.end)
    spent_s = 0.0
    for k in range(7 * 8 * 100):  # the first of eight is made by this thread, with the others
        begin()
        cpu_s = 4e-4 if k % 8 == 0 else 1e-6
        clocks.work(1e-3 if k % 8 == 0 else 1e-5, cpu_s)
        spent_s += cpu_s
        end()
        clocks.work(1e-4, 1e-4)
    assert clocks.questions < 2 * 5600 / 6
    assert source.cpu_s == pytest.approx(spent_s, rel=0.02)


def test_long_batches_are_each_asked_about(monkeypatch):
    clocks = Clocks(monkeypatch)
    work = output.Work()
    for _ in range(200):
        work.begin()
        clocks.work(0.01, 0.003)
        work.end()
    assert clocks.questions == 400
    assert work.cpu_s == pytest.approx(0.6)
