# SPDX-License-Identifier: MIT
"""`fastbatch doctor` leaves a script as it is: output, errors, exit code, imports, signals. And it sees its loops."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from making import wait_until

from fastbatch.doctor import processes
from fastbatch.doctor.verdict import diagnose
from fastbatch.doctor.watch import instrumented, watch

PYTHON = sys.executable
GENERATOR = """
    import sys, time
    import numpy as np

    def batches(n, pause):
        for i in range(n):
            time.sleep(pause)
            yield np.zeros((4, 3)), np.full(4, i)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Return a function that writes a script into the current folder and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="train.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return name

    return write


def run_plain(command, **options):
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return code, done.stdout, done.stderr


# Scripts whose output, errors and exit codes must be the same with the doctor and without it.
ODD = {
    "prints": "for i in range(20_000): print('line', i)",
    "fails in a generator": """
        def batches():
            for i in iter([1, 2]):
                yield i
            raise RuntimeError("no more")
        for x in batches():
            print(x)
        """,
    "fails twice": """
        def f():
            try:
                for x in (1 / i for i in [1, 0]):
                    print(x)
            except ZeroDivisionError as error:
                raise ValueError("second") from error
        f()
        """,
    "exits": "import sys\nprint('bye')\nsys.exit(3)",
    "exits with words": "import sys\nsys.exit('words')",
    "exits at once": "import os\nprint('now', flush=True)\nos._exit(7)",
    "is killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "is interrupted": "raise KeyboardInterrupt",
    "is no Python": "for x in :\n    pass",
    "has a null byte": "x = '\0'",
    "lacks a module": "import not_there_at_all",
    "reads its input": "import sys\nprint(sys.stdin.read().upper())",
    "says who it is": """
        import sys, inspect
        from pathlib import Path
        def f(): pass
        print(__name__, Path(__file__).name, sys.argv, __spec__, __package__, sys.path[0], f.__module__)
        print(inspect.getsource(f))
        """,
    "goes on after break": """
        def numbers():
            yield from range(6)
        g = numbers()
        for x in g:
            if x == 2:
                break
        print(list(g), next(g, 'end'), next(iter([5])))
        for a, b in zip('ab', g): print(a, b)
        """,
    "loops a lot": """
        total = 0
        for i, x in enumerate(x * x for x in range(20_000)):
            total += i * x
        print(total)
        """,
    "uses processes": """
        import multiprocessing
        def square(x): return x * x
        if __name__ == '__main__':
            for method in ('fork', 'spawn'):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    print(pool.map(square, range(4)))
        """,
    "pickles its own class": """
        import pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))).__qualname__)
        """,
    "compiles functions": """
        try:
            import numba
        except ImportError:
            raise SystemExit
        import numpy as np
        @numba.njit
        def total(x):
            s = 0.0
            for i, value in enumerate(x):
                s += i * value
            return s
        def product(x):
            s = 1.0
            for a, b in zip(x, x):
                s *= a * b
            return s
        print(total(np.arange(4.0)), numba.njit(product)(np.ones(3)), numba.njit(cache=False)(product)(np.ones(3)))
        """,
    "warns": "import warnings\nwarnings.warn('careful')\n",
    "has its own next": "def next(x): return x + 1\nprint(next(1))",
}


@pytest.mark.parametrize("name", ODD)
def test_a_script_runs_as_without_the_doctor(name, script, capfdbinary, monkeypatch, tmp_path):
    command = [PYTHON, "-W", "ignore::DeprecationWarning", script(ODD[name]), "-x", "--epochs", "2"]
    (tmp_path / "input").write_text("given")
    with open(tmp_path / "input") as given:
        expected = run_plain(command, stdin=given)
    monkeypatch.setattr(sys, "stdin", None)
    with open(tmp_path / "input") as given:
        kept = os.dup(0)
        os.dup2(given.fileno(), 0)
        try:
            observed = watch(command, compare_s=0)
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    out, err = capfdbinary.readouterr()
    assert (observed.exit_code, out, err) == expected


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import sys; print(sys.argv, __name__)", "a"],
        ["-m", "package", "b"],
        ["-m", "package.inner"],
        ["-mpackage"],
    ],
)
def test_modules_and_code_run_as_without_the_doctor(command, script, capfdbinary):
    script("", "package/__init__.py")
    script(
        "import sys\nfrom . import inner\nprint(sys.argv[1:], __name__, __spec__.name, __package__)",
        "package/__main__.py",
    )
    script("print(__name__, __package__)", "package/inner.py")
    expected = run_plain([PYTHON, *command])
    observed = watch([PYTHON, *command], compare_s=0)
    assert (observed.exit_code, *capfdbinary.readouterr()) == expected


@pytest.mark.parametrize(
    ("command", "tail"),
    [
        (["python", "-W", "error", "-X", "dev", "train.py", "-m"], ["script", "train.py", "-m"]),
        (["python3.12", "-Werror", "-m", "torch.distributed.run", "x.py"], ["module", "torch.distributed.run", "x.py"]),
        (["/usr/bin/python3", "train.py", "-x"], ["script", "train.py", "-x"]),
        (["python3.13t", "-cpass"], ["code", "pass"]),
        (["python", "-mtrain", "1", "2"], ["module", "train", "1", "2"]),
        (["python", "-cpass", "1"], ["code", "pass", "1"]),
        (["train.py", "1"], ["script", "train.py", "1"]),
        (["python", "absent.py"], ["python", "absent.py"]),
        (["python"], ["python"]),
        (["python", "-"], ["python", "-"]),
        (["python", "-m"], ["python", "-m"]),
        (["torchrun", "train.py"], ["torchrun", "train.py"]),
        (["pythonize", "train.py"], ["pythonize", "train.py"]),
    ],
)
def test_commands_of_python_are_recognised(command, tail, script):
    script("")
    assert instrumented(command)[-len(tail) :] == tail
    assert ("runner.py" in " ".join(instrumented(command))) == (tail[0] in ("script", "module", "code"))


def test_a_command_that_is_not_there(script):
    with pytest.raises(FileNotFoundError, match="not-there"):
        watch(["./not-there"])


def test_watched_code_is_never_kept(script, capfd):
    """A later run without the doctor would find functions that only the doctor defines."""
    script("def numbers():\n    for x in zip('ab', 'cd'):\n        yield x\n", "beside.py")
    name = script("import beside\nprint(list(beside.numbers()))")
    for _ in range(2):
        assert watch([PYTHON, name], compare_s=0).exit_code == 0
    assert run_plain([PYTHON, name])[::2] == (0, b"")


def test_the_users_own_sitecustomize_runs(script, tmp_path, monkeypatch, capfd):
    script("print('customized')", "own/sitecustomize.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"))
    watch([PYTHON, script("print('done')")], compare_s=0)
    assert capfd.readouterr().out == "customized\ndone\n"


def test_ctrl_c_reaches_the_script_alone(script, tmp_path):
    script(
        GENERATOR
        + """
    try:
        for x, y in batches(10_000, 0.01):
            if y[0] == 20:
                print("ready", flush=True)
    except KeyboardInterrupt:
        print("saved", flush=True)
        sys.exit(5)
    """
    )
    code = f"from fastbatch.doctor.watch import watch; print(watch([{PYTHON!r}, 'train.py'], compare_s=0).exit_code)"
    command = ["env", "--default-signal=INT", PYTHON, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as doctor:
        assert doctor.stdout.readline() == b"ready\n"
        os.killpg(doctor.pid, signal.SIGINT)
        assert doctor.communicate(timeout=60)[0] == b"saved\n5\n"


def test_a_slow_generator_is_the_limit(script):
    text = GENERATOR + "    for x, y in batches(30, 0.02): pass\n"
    (loop,) = diagnose(watch([PYTHON, script(text)], compare_s=0)).loops
    assert (loop.kind, loop.name, loop.batches, loop.passes) == ("loop", "generator batches()", 30, 1)
    assert loop.place == "train.py:9"
    assert loop.share > 0.9
    assert loop.limit == "waiting"
    assert loop.line.startswith("train.py:7 batches")


def test_a_busy_generator_is_pythons(script):
    text = GENERATOR + "    for x, y in batches(10, 0): sum(range(1000))\n"
    text = text.replace("time.sleep(pause)", "sum(i * i for i in range(200_000))")
    (loop,) = diagnose(watch([PYTHON, script(text)], compare_s=0)).loops
    assert loop.limit in ("python", "cpu")  # if this machine's CPUs are all busy with other work
    assert loop.parts["python"] > 0.5
    assert "genexpr" in loop.line or "batches" in loop.line


@pytest.mark.parametrize("taken", ["for x, y in batches(10, 0)", "for i, (x, y) in enumerate(batches(10, 0))"])
def test_a_fast_generator_has_nothing_to_gain(taken, script):
    text = GENERATOR.replace("time.sleep(pause)", "pass") + f"    {taken}: time.sleep(0.2)\n"
    loops = diagnose(watch([PYTHON, script(text)], compare_s=0)).loops
    assert [loop.limit for loop in loops] == ["none"]
    assert loops[0].share < 0.05


def test_loops_in_decorated_functions_are_seen(script):
    text = GENERATOR + "    def main(function): return function()\n    @main\n    def train():\n"
    text += "        for x, y in batches(10, 0.02): pass\n"
    assert [loop.batches for loop in diagnose(watch([PYTHON, script(text)], compare_s=0)).loops] == [10]


def test_next_is_timed_too(script):
    text = GENERATOR + "    g = batches(10, 0.02)\n    for _ in range(10): next(g)\n"
    (loop,) = diagnose(watch([PYTHON, script(text)], compare_s=0)).loops
    assert (loop.batches, loop.place) == (10, "train.py:10")


def test_generators_inside_a_loader_are_a_part_of_it(script):
    text = GENERATOR + "    def doubled(g):\n        for x, y in g:\n            yield 2 * x, y\n"
    text += "    for x, y in doubled(batches(10, 0.02)): pass\n"
    (loop,) = diagnose(watch([PYTHON, script(text)], compare_s=0)).loops
    assert loop.name == "generator doubled()"


def test_a_killed_script_leaves_what_was_known_by_then(script):
    text = GENERATOR + "    import glob, os\n    for x, y in batches(2, 0.01):\n"
    text += "        while not glob.glob(os.environ['FASTBATCH_DOCTOR'] + '/*.json'): time.sleep(0.01)\n"
    text += "    os.kill(os.getpid(), 9)\n"
    observed = watch([PYTHON, script(text)], compare_s=0)
    assert observed.exit_code == 128 + signal.SIGKILL
    (source,) = (source for record in observed.records for source in record["sources"])
    assert source["place"].endswith("train.py:10")


def test_a_child_that_is_forked_during_a_write_can_write(script):
    text = GENERATOR + "    import os\n    output = sys.modules['_fastbatch_agent.output']\n"
    text += "    output._writing.acquire()\n    child = os.fork()\n    if not child:\n"
    text += "        for x, y in batches(3, 0.01): pass\n        sys.exit()\n"
    text += "    os.waitpid(child, 0)\n    output._writing.release()\n"
    observed = watch([PYTHON, script(text)], compare_s=0)
    assert [source["batches"] for record in observed.records for source in record["sources"]] == [3]


def test_loops_over_other_things_are_not_reported(script):
    text = "import time\nfor i, name in enumerate(['a', 'b', 'c']):\n    time.sleep(0.05)\n"
    diagnosis = diagnose(watch([PYTHON, script(text)], compare_s=0))
    assert diagnosis.loops == ()


def test_slow_files_are_named(script, tmp_path):
    for i in range(30):
        (tmp_path / f"{i}.bin").write_bytes(b"x" * 100)
    text = """
        import time
        import numpy as np

        def batches():
            for i in range(30):
                data = open(f"{i}.bin", "rb").read()
                time.sleep(0.3 if i == 7 else 0.002)
                yield np.frombuffer(data, np.uint8)

        for x in batches():
            pass
    """
    files = diagnose(watch([PYTHON, script(text)], compare_s=0)).files
    assert files.count == 30
    assert files.slowest[0][1] == "7.bin"
    assert files.slowest[0][0] > 0.3
    assert files.slow >= 1


@pytest.mark.skipif(not processes.is_supported(), reason="needs /proc")
@pytest.mark.parametrize("has_lists", [True, False])
def test_all_descendants_are_found(monkeypatch, has_lists):
    monkeypatch.setattr(processes, "has_lists_of_children", lambda: has_lists)
    command = ["sh", "-c", "sleep 60 & (sleep 60 & sleep 60; :) & echo; wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as shell:
        try:
            shell.stdout.readline()
            wait_until(lambda: len(processes.descendants(shell.pid)) == 5)
            assert processes.descendants(shell.pid)[0] == shell.pid
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
    assert processes.descendants(shell.pid) == [shell.pid]


@pytest.mark.parametrize("has_descriptors", [True, False])
def test_the_end_of_a_command_is_noticed_with_and_without_descriptors_of_processes(monkeypatch, has_descriptors):
    if not has_descriptors:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert watch([PYTHON, "-c", "raise SystemExit(3)"], compare_s=0).exit_code == 3
