# SPDX-License-Identifier: MIT
"""Runs the user's command with the agent inside, and watches its processes from outside."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastbatch.system import available_cpus

from .processes import Tree, Usage, is_supported

HERE = Path(__file__).resolve().parent
INTERVAL_S = 0.1
COMPARE_GRACE_S = 120.0  # beyond the time that a comparison should take
_TAKE_A_VALUE = ("-W", "-X", "--check-hash-based-pycs")


@dataclass(frozen=True)
class Observed:
    """What was seen of a command.

    Attributes:
        command: As the user wrote it.
        exit_code: Of the command; 128 + n if signal n ended it.
        elapsed_s: Until the command ended, without the comparison.
        usage: Of all its processes; None where it cannot be read.
        records: One for each process that made batches, as the agent writes them.
        beside: The results of the comparison.
        cpus: Available to the command.
        alone: The loader, if one was exercised alone; "" for a script.
    """

    command: tuple[str, ...]
    exit_code: int
    elapsed_s: float
    usage: Usage | None
    records: tuple[dict[str, Any], ...]
    beside: tuple[dict[str, Any], ...]
    cpus: int
    alone: str = ""


def watch_loader(target: str, *, duration_s: float = 10.0, compare_s: float = 10.0) -> Observed:
    """Take batches of the loader `module:name` for some seconds, and watch that."""
    command = [sys.executable, "-m", "fastbatch.doctor.exercise", target, str(duration_s)]
    return replace(watch(command, compare_s=compare_s), alone=target, command=("fastbatch", "doctor", target))


def watch(command: Sequence[str], *, compare_s: float = 10.0) -> Observed:
    """Run a command to its end. Its input, output and exit code are its own.

    Args:
        command: The command and its arguments. A script of Python may be named alone.
        compare_s: Seconds for the comparison of its loaders with those of fastbatch; 0: none.

    Raises:
        OSError: The command cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="fastbatch-doctor-") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE / "inject"), os.environ.get("PYTHONPATH")])),
            "FASTBATCH_DOCTOR": name,
            "FASTBATCH_DOCTOR_COMPARE": str(compare_s),
        }
        begin = time.perf_counter()
        with _signals_to_child() as forward:
            child = subprocess.Popen(instrumented(command), env=environment)
            forward.append(child)
            usage = _wait(child, folder, compare_s)
        elapsed_s = time.perf_counter() - begin
        done = _read(folder / "done.json")
        code = 0 if done is not None else child.returncode
        if done is not None and child.returncode > 0:
            code = child.returncode
        return Observed(
            tuple(command),
            code if code >= 0 else 128 - code,
            done["elapsed_s"] if done else elapsed_s,
            usage,
            tuple(filter(None, map(_read, sorted(folder.glob("[0-9]*.json"))))),
            tuple(_read(folder / "beside.json") or ()),
            available_cpus(),
        )


def instrumented(command: Sequence[str]) -> list[str]:
    """Return the command that runs a script of Python in the doctor's runner; other commands are unchanged."""
    command = list(command)
    if command[0].endswith(".py") and Path(command[0]).is_file():
        command.insert(0, sys.executable)
    name = Path(command[0]).name
    if not ((name.startswith("python") and name[6:].rstrip("t").replace(".", "").isdigit()) or name == "python"):
        return command
    at = 1
    while at < len(command) and command[at].startswith("-") and command[at] not in ("-m", "-c", "-"):
        if command[at][:2] in ("-m", "-c") and command[at][:2] != "--":  # -mpkg
            command[at : at + 1] = [command[at][:2], command[at][2:]]
            break
        at += 2 if command[at] in _TAKE_A_VALUE else 1
    if at >= len(command) or command[at] == "-":
        return command
    runner = str(HERE / "agent" / "runner.py")
    if command[at] in ("-m", "-c"):
        if at + 1 == len(command):
            return command
        kind = "module" if command[at] == "-m" else "code"
        return [*command[:at], runner, kind, *command[at + 1 :]]
    if not Path(command[at]).is_file():
        return command  # Python says what is wrong with it
    return [*command[:at], runner, "script", *command[at:]]


def _wait(child: subprocess.Popen[bytes], folder: Path, compare_s: float) -> Usage | None:
    """Wait for the end of the command; read its counters until its own part is done."""
    tree = Tree(child.pid) if is_supported() else None
    done_at: float | None = None
    with _pause(child) as pause:
        while child.poll() is None:
            if done_at is None:
                if (folder / "done.json").exists():
                    done_at = time.monotonic()
                elif tree is not None:
                    tree.look()
            elif time.monotonic() - done_at > compare_s + COMPARE_GRACE_S:
                child.kill()
            pause()
    return None if tree is None else tree.total()


@contextlib.contextmanager
def _pause(child: subprocess.Popen[bytes]) -> Iterator[Callable[[], object]]:
    """Give what waits for the child's end, INTERVAL_S at most."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # not Linux, or a kernel before 5.3
        yield lambda: _wait_with_looks(child)
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        yield lambda: poll.poll(INTERVAL_S * 1e3)
    finally:
        os.close(descriptor)


def _wait_with_looks(child: subprocess.Popen[bytes]) -> None:
    """Wait as Python does everywhere, by looking again and again: half a percent of a CPU."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(INTERVAL_S)


@contextlib.contextmanager
def _signals_to_child() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Let Ctrl-C reach the command alone, and forward what is sent to this process."""
    children: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _: Any) -> None:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(number)

    # The terminal sends SIGINT to the command, too. A handler, unlike SIG_IGN, is not inherited by it.
    kept = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        kept.setdefault(number, signal.signal(number, forward))
    try:
        yield children
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
