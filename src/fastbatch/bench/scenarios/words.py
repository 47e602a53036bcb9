# SPDX-License-Identifier: MIT
"""How fast does English text become batches of 1,024 words, ids and lines, against generators in plain Python?"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

BLOCK = 1 << 18
VOCABULARY = 50_000
TARGETS = (
    Target(of="words / plain generator", at_least=5),
    Target(of="words / read in blocks and split", at_least=3.5),
    Target(of="lines / iterating the file", at_least=3),
    Target(of="offsets (MB/s)", at_least=2000, unit="MB/s"),
    Target(of="ids, 1 thread (MB/s)", at_least=600, unit="MB/s"),
    Target(of="ids, 2 threads (MB/s)", at_least=1000, unit="MB/s"),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 1 if smoke else 200
    return Job(kind="rows", data=str(data.english(folder, n)), n=n, batch_size=1024, threads=threads)


def plain(path: str, n: int) -> Iterator[list[str]]:
    """Yield batches of words in the usual way."""
    batch: list[str] = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            batch += line.split()
            while len(batch) >= n:
                yield batch[:n]
                batch = batch[n:]
    if batch:
        yield batch


def in_blocks(path: str, n: int) -> Iterator[list[str]]:
    """Yield the same batches, but split large pieces at once."""
    words: list[str] = []
    rest = ""
    with open(path, encoding="utf-8") as file:
        while text := file.read(BLOCK):
            text = rest + text
            cut = max(text.rfind(" "), text.rfind("\n")) + 1
            rest = text[cut:]
            words += text[:cut].split()
            whole = len(words) - len(words) % n
            for start in range(0, whole, n):
                yield words[start : start + n]
            words = words[whole:]
    words += rest.split()
    for start in range(0, len(words), n):
        yield words[start : start + n]


def lines(path: str) -> Iterator[str]:
    """Yield the lines of a file."""
    with open(path, encoding="utf-8") as file:
        yield from file


def measure(subject: str, job: Job) -> dict[str, float]:
    """Compare all outputs, then time them in turn, five rounds; rates are medians, ratios medians within a round."""
    fastbatch = package(subject)
    path, size = job.data, job.batch_size
    vocabulary = fastbatch.vocabulary(path, VOCABULARY)
    ids = {"output": "ids", "vocabulary": vocabulary}
    ways: dict[str, Callable[[], Iterable[Any]]] = {
        "plain": lambda: plain(path, size),
        "blocks": lambda: in_blocks(path, size),
        "words": lambda: fastbatch.text_generator(path, size),
        "file": lambda: lines(path),
        "lines": lambda: fastbatch.lines(path, size),
        "offsets": lambda: fastbatch.words(path, size, output="offsets"),
        "ids-1": lambda: fastbatch.words(path, size, threads=1, **ids),
        "ids-2": lambda: fastbatch.words(path, size, threads=2, **ids),
    }
    for ours, theirs in itertools.product(["words"], ["plain", "blocks"]):
        if any(a != b for a, b in zip(ways[ours](), ways[theirs](), strict=True)):
            raise RuntimeError(f"{ours} and {theirs} differ")
    for (text, offsets), found, words in zip(ways["offsets"](), ways["ids-2"](), ways["plain"](), strict=True):
        cut = [text[a:b].decode() for a, b in itertools.pairwise(offsets.tolist())]
        if cut != words or found.tolist() != vocabulary.encode(words).tolist():
            raise RuntimeError("offsets or ids differ from the words")
    if list(itertools.chain.from_iterable(ways["lines"]())) != list(ways["file"]()):
        raise RuntimeError("lines differ from those of the file")
    n_bytes = Path(path).stat().st_size
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(5):
        for name, way in ways.items():
            start = time.perf_counter()
            for _ in way():
                pass
            rates[name].append(n_bytes / 1e6 / (time.perf_counter() - start))

    def ratio(ours: str, theirs: str) -> float:
        return median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))

    return {
        "words / plain generator": ratio("words", "plain"),
        "words / read in blocks and split": ratio("words", "blocks"),
        "lines / iterating the file": ratio("lines", "file"),
        "offsets (MB/s)": median(rates["offsets"]),
        "ids, 1 thread (MB/s)": median(rates["ids-1"]),
        "ids, 2 threads (MB/s)": median(rates["ids-2"]),
        **{f"{name} alone (MB/s)": median(rates[name]) for name in ("plain", "blocks", "words", "file", "lines")},
    }
