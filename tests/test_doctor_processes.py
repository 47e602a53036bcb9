# SPDX-License-Identifier: MIT
"""The doctor's counters of a command's processes: from a `/proc` of the tests' own, with known figures."""

import os
import shutil

import pytest

from fastbatch.doctor import processes
from fastbatch.doctor.processes import Tree, Usage, descendants

pytestmark = pytest.mark.skipif(not hasattr(os, "sysconf"), reason="there is no such system without /proc")
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Proc:
    """A folder like `/proc`."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.busy_s = 0.0
        monkeypatch.setattr(processes, "PROC", folder)
        monkeypatch.setattr(processes, "busy_and_total", lambda: (self.busy_s, 2 * self.busy_s))

    def put(self, pid, parent, *, minor=0, major=0, user_s=0.0, system_s=0.0, queue_s=0.0, read=0, peak_kb=0):
        folder = self.folder / str(pid)
        folder.mkdir(exist_ok=True)
        user, system = round(user_s * TICKS), round(system_s * TICKS)
        stat = f"{pid} (a) name) S {parent} 2 3 4 5 6 {minor} 70 {major} 90 {user} {system} 13"
        (folder / "stat").write_text(stat)
        (folder / "schedstat").write_text(f"1 {round(queue_s * 1e9)} 3")
        (folder / "io").write_text(f"rchar: 1\nread_bytes: {read}\nwrite_bytes: 3\n")
        (folder / "status").write_text(f"Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t {peak_kb} kB\n")

    def end(self, pid):
        shutil.rmtree(self.folder / str(pid))


@pytest.fixture
def proc(tmp_path, monkeypatch):
    return Proc(tmp_path, monkeypatch)


def test_descendants_are_found(proc):
    for pid, parent in ((100, 1), (101, 100), (102, 100), (103, 101), (200, 1), (201, 200)):
        proc.put(pid, parent)
    (proc.folder / "meminfo").write_text("")
    assert sorted(descendants(100)) == [100, 101, 102, 103]
    assert descendants(200) == [200, 201]


def test_descendants_are_found_by_the_lists_of_threads(proc):
    lists = {
        "thread-self": "",
        "100/task/100": "101 ",
        "100/task/107": "102",
        "101/task/101": "103",
        "102/task/102": "",
    }
    for place, children in lists.items():
        (proc.folder / place).mkdir(parents=True)
        (proc.folder / place / "children").write_text(children)
    assert sorted(descendants(100)) == [100, 101, 102, 103]  # 103 has ended: no folder


def test_the_usage_of_all_processes_is_summed(proc):
    tree = Tree(100, _began=(0.0, 0.0))
    proc.put(100, 1, minor=5, major=1, user_s=1.0, system_s=0.5, queue_s=0.25, read=4096, peak_kb=10)
    proc.put(101, 100, minor=7, user_s=2.0, read=10, peak_kb=20)
    proc.busy_s = 6.0
    tree.look()
    assert tree.total() == Usage(3.5, 0.25, 1, 12, 4106, 30 * 1024, others_s=2.5)


def test_an_ended_process_counts_until_its_end(proc):
    tree = Tree(100, _began=(0.0, 0.0))
    proc.put(100, 1, user_s=1.0)
    proc.put(101, 100, user_s=2.0, minor=3)
    tree.look()
    proc.end(101)
    proc.put(100, 1, user_s=4.0)
    for _ in range(6):
        tree.look()
    assert tree.total() == Usage(6.0, minor_faults=3)


def test_new_processes_disk_reads_and_others_are_looked_up_at_every_fifth_look(proc):
    tree = Tree(100, _began=(0.0, 0.0))
    proc.put(100, 1, read=1)
    tree.look()
    proc.put(100, 1, read=2, user_s=1.0)
    proc.put(101, 100, user_s=1.0)
    proc.busy_s = 5.0
    for _ in range(4):
        tree.look()
    assert tree.total() == Usage(1.0, read_bytes=1)
    tree.look()
    assert tree.total() == Usage(2.0, read_bytes=2, others_s=3.0)
    proc.busy_s = 1.0  # the clocks of the system and of processes differ
    for _ in range(5):
        tree.look()
    assert tree.total().others_s == 0.0


def test_a_kernel_without_some_counters(proc):
    tree = Tree(100, _began=(0.0, 0.0))
    proc.put(100, 1, user_s=1.0)
    (proc.folder / "100" / "schedstat").unlink()
    (proc.folder / "100" / "io").unlink()
    (proc.folder / "100" / "status").write_text("Name:\tx\n")
    tree.look()
    assert tree.total() == Usage(1.0)


def test_this_process_by_the_real_proc():
    if not processes.is_supported():
        pytest.skip("there is no /proc")
    tree = Tree(os.getpid())
    tree.look()
    total = tree.total()
    assert total.cpu_s > 0
    assert total.peak_bytes > 1 << 20
    assert total.minor_faults > 0
