# SPDX-License-Identifier: MIT
"""Runs contestants one at a time, each in its own process; the others are stopped by a signal meanwhile."""

from __future__ import annotations

import ctypes
import hashlib
import json
import mmap
import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from .job import Job, Skipped

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 900.0


class Contestant:
    """A rival's process and the pipe to it; the process is stopped between requests."""

    def __init__(self, name: str, command: list[str], log: Path, more: dict[str, str] | None = None) -> None:
        """Start the process and wait until it is ready; raises Skipped with the process's reason.

        Args:
            more: Variables that are added to its environment.
        """
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**environment(), **(more or {})},
                start_new_session=True,
            )
        try:
            self.about = self._read()
            if "skipped" in self.about:
                raise Skipped(self.about["skipped"])
        except BaseException:
            self.close()
            raise
        self._signal(signal.SIGSTOP)

    def ask(self, command: str) -> dict[str, Any]:
        """Resume the process until it has answered one command."""
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(f"{command}\n".encode())
            self._process.stdin.flush()
            return self._read()
        except BrokenPipeError:
            raise RuntimeError(self._last_words()) from None
        finally:
            if self._process.poll() is None:
                self._signal(signal.SIGSTOP)

    def close(self) -> None:
        """End the process and its children."""
        if self._process.poll() is None:
            self._signal(signal.SIGCONT)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Contestant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(TIMEOUT_S):
                raise RuntimeError(f"no answer within {TIMEOUT_S:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "ended without a word"


def environment() -> dict[str, str]:
    """Return the environment of a contestant: it imports the same fastbatch as this process."""
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def worker(*words: str, job: Job) -> list[str]:
    """Return the command line of a worker process."""
    return [sys.executable, "-m", "fastbatch.bench.worker", *words, json.dumps(asdict(job))]


def build_limits(folder: Path) -> Path:
    """Compile the limit program, once per version of its source; raises Skipped."""
    sources = sorted(path for path in (HERE / "limits").iterdir() if path.suffix in (".h", ".cpp"))
    return build(folder, "limits", [HERE / "limits" / "limits.cpp"], sources, "-march=native")


def build(folder: Path, name: str, sources: Sequence[Path], read: Sequence[Path], *options: str) -> Path:
    """Compile a C++ program, once per version of the files that it is made of; raises Skipped.

    Args:
        sources: The files to compile.
        read: All files that the compiler reads, but for those of the system.
    """
    state = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()[:12]
    program = folder / f"{name}-{state}"
    if program.exists():
        return program
    words = os.environ.get("CXX", "g++").split()
    if shutil.which(words[0]) is None:
        raise Skipped(f"no C++ compiler: {words[0]} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(".new")
    command = [*words, "-std=c++20", "-O3", *options, *map(str, sources)]
    done = subprocess.run([*command, "-o", str(unfinished), "-ljpeg", "-pthread"], capture_output=True, text=True)
    if done.returncode != 0:
        error = next((line for line in done.stderr.splitlines() if "error" in line), "the compiler gave no reason")
        raise Skipped(f"{sources[0].name} does not compile: {error}")
    unfinished.rename(program)
    return program


def drop_cache(path: str) -> float:
    """Drop the file from the page cache; return the fraction that remains in memory."""
    with Path(path).open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size = os.fstat(file.fileno()).st_size
        pages = -(-size // mmap.PAGESIZE)
        seen = (ctypes.c_ubyte * pages)()
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        address = libc.mmap(
            None, ctypes.c_size_t(size), mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), ctypes.c_long(0)
        )
        try:
            if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), seen) != 0:
                raise OSError(ctypes.get_errno(), "mincore", path)
        finally:
            libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return sum(page & 1 for page in bytes(seen)) / pages
