# SPDX-License-Identifier: MIT
"""How much faster does each of the fifteen usage patterns become by changing its import?

Every pattern is timed as documented and with fastbatch, in one process, in turns; the outputs are compared first. The
value is the speed-up of a whole pass; some patterns have their own units.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

TARGETS = (
    Target(of="1 words of a text file", at_least=5),
    Target(of="12 two images concatenated in their channels", at_least=3),
)
BATCH = 64

Passes = Callable[[], Iterable[Any]]


def job(folder: Path, threads: int, smoke: bool) -> Job:
    n = 2_000 if smoke else 100_000
    photos = data.jpegs(folder, 20 if smoke else 1000)
    return Job(kind="rows", data=str(data.rows(folder, n, 64)), ids=str(photos), n=n, batch_size=BATCH, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time every pattern in turns, five rounds; return the medians of the rounds' ratios."""
    fb = package(subject)
    text = _text(Path(job.data).parent, 200_000 if job.n <= 2_000 else 20_000_000)
    photos = sorted(Path(job.ids).rglob("*.jpg"))[: 16 if job.n <= 2_000 else 400]
    rows, labels = np.load(job.data), np.arange(job.n)
    half = rows.shape[1] // 2
    features = np.ascontiguousarray(rows[:, :half]), np.ascontiguousarray(rows[:, half:])
    images = tuple(np.resize(part, (len(rows) // 100, 64, 64, 3)) for part in features)

    patterns: dict[str, tuple[Passes, Passes]] = {
        "1 words of a text file": (lambda: _words(text, 1024), lambda: fb.text_generator(text, 1024)),
        "2 a new generator each epoch (3 epochs)": (
            lambda: itertools.chain.from_iterable(_words(text, 1024) for _ in range(3)),
            lambda: itertools.chain.from_iterable(fb.text_generator(text, 1024) for _ in range(3)),
        ),
        "3 a folder's images, decoded": (
            lambda: _photos(photos, 224),
            lambda: _pixels(fb.images(photos, None, size=224, dtype="uint8", layout="NHWC", exact=True, **_plain())),
        ),
        "6 endless batches of arrays": (
            lambda: itertools.islice(_slices(rows, labels, endless=True), 2 * len(rows) // 256),
            lambda: itertools.islice(fb.arrays(rows, labels, batch_size=256).repeat(), 2 * len(rows) // 256),
        ),
        "9 a Sequence over image paths": (
            lambda: (batch.astype(np.float32) * np.float32(1 / 255) for batch in _photos(photos, 64)),
            lambda: _pixels(fb.images(photos, None, size=64, layout="NHWC", exact=True, **_plain())),
        ),
        "12 two images concatenated in their channels": (
            lambda: _concatenated(*images, labels[: len(images[0])], 32),
            lambda: fb.arrays(list(images), labels[: len(images[0])], batch_size=32, concat=-1),
        ),
        "12 two rows of features concatenated": (
            lambda: _concatenated(*features, labels, 256),
            lambda: fb.arrays(list(features), labels, batch_size=256, concat=-1),
        ),
    }
    results = {}
    for name, (before, after) in patterns.items():
        _same(before(), after())
        results[name] = _gain(before, after, 1 if job.n <= 2_000 else 5)
    results["8 windows of a series, shuffled"] = _windows(fb, rows, labels, 1 if job.n <= 2_000 else 3)
    results["10 __getitem__ ahead of a busy consumer"] = _generator(fb)
    results["4 restartable, over the bare generator (us a batch)"] = _overhead(fb)
    results["14 a stream of lines in batches"] = _stream(fb, text, 1 if job.n <= 2_000 else 3)
    results["15 first shuffled batch, against loading the file (x sooner)"] = _first_batch(fb, job)
    return results


def _plain() -> dict[str, Any]:
    return {"filter": "bilinear", "batch_size": BATCH}


def _text(folder: Path, size: int) -> str:
    """Return a text file of the standard library's sources, repeated."""

    def make(path: Path) -> None:
        sources = sorted(Path(statistics.__file__).parent.glob("*.py"))
        lines = [line for source in sources for line in source.read_text("utf-8", "replace").splitlines(keepends=True)]
        with path.open("w", encoding="utf-8") as file:
            for line in itertools.cycle(lines):
                if file.tell() >= size:
                    break
                file.write(line)

    return str(data.once(folder / f"patterns-{size}.txt", make))


def _words(path: str, batch_size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            for word in line.split():
                batch.append(word)
                if len(batch) == batch_size:
                    yield batch
                    batch = []
    if batch:
        yield batch


def _photos(paths: list[Path], side: int) -> Iterator[Any]:
    from PIL import Image

    for start in range(0, len(paths), BATCH):
        images = []
        for path in paths[start : start + BATCH]:
            with Image.open(path) as image:
                images.append(np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)))
        yield np.stack(images)


def _pixels(loader: Any) -> Iterator[Any]:
    with loader:
        yield from loader


def _slices(x: Any, y: Any, endless: bool) -> Iterator[tuple[Any, Any]]:
    while True:
        for start in range(0, len(x), 256):
            yield x[start : start + 256].copy(), y[start : start + 256].copy()
        if not endless:
            return


def _concatenated(one: Any, other: Any, y: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
    for start in range(0, len(y), batch_size):
        part = slice(start, start + batch_size)
        yield np.concatenate([one[part], other[part]], axis=-1), y[part].copy()


def _same(ones: Iterable[Any], others: Iterable[Any]) -> None:
    for one, other in itertools.zip_longest(ones, others):
        if isinstance(one, (list, str)):
            assert one == other
            continue
        for a, b in zip(*(batch if isinstance(batch, tuple) else (batch,) for batch in (one, other)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def _seconds(passes: Passes) -> float:
    start = time.perf_counter()
    for _ in passes():
        pass
    return time.perf_counter() - start


def _gain(before: Passes, after: Passes, rounds: int) -> float:
    return statistics.median(_seconds(before) / _seconds(after) for _ in range(rounds))


def _windows(fb: Any, rows: Any, labels: Any, rounds: int) -> float:
    """Time the documented data set with torch's DataLoader, if installed; else with a loop that stacks its items."""
    dataset = fb.TimeSeriesDataset(rows, labels, 32)
    n = min(len(dataset), 20_000)
    try:
        from torch.utils.data import DataLoader, Subset

        plain: Any = DataLoader(Subset(dataset, range(n)), batch_size=BATCH, shuffle=True)
    except ImportError:
        plain = _Stacked(dataset, n)
    with fb.windows(rows[: n + 31], labels[: n + 31], length=32, batch_size=BATCH, shuffle=True) as loader:
        assert sorted(y for _, batch in loader for y in batch.tolist()) == list(range(31, n + 31))
        return statistics.median(_seconds(lambda: plain) / _seconds(lambda: loader) for _ in range(rounds))


class _Stacked:
    def __init__(self, dataset: Any, n: int) -> None:
        self._dataset, self._n = dataset, n

    def __iter__(self) -> Iterator[Any]:
        order = np.random.default_rng(0).permutation(self._n)
        for start in range(0, self._n, BATCH):
            items = [self._dataset[int(i)] for i in order[start : start + BATCH]]
            yield np.stack([x for x, _ in items]), np.array([y for _, y in items])


def _generator(fb: Any) -> float:
    """Time a `__getitem__` of 4 ms and a consumer of 4 ms, one after the other and overlapped."""

    class Slow(fb.DataGenerator):  # type: ignore[name-defined,misc]
        def __len__(self) -> int:
            return 25

        def __getitem__(self, index: int) -> int:
            time.sleep(0.004)
            return index

    def consume(batches: Iterable[int]) -> Iterator[int]:
        for batch in batches:
            time.sleep(0.004)
            yield batch

    return _gain(lambda: consume(Slow(threads=0)), lambda: consume(Slow(threads=1)), 3)


def _overhead(fb: Any) -> float:
    n = 20_000

    def numbers() -> Iterator[int]:
        yield from range(n)

    wrapper = fb.RestartableGeneratorWrapper(numbers)
    return statistics.median(1e6 * (_seconds(lambda: wrapper) - _seconds(numbers)) / n for _ in range(5))


def _stream(fb: Any, text: str, rounds: int) -> float:
    def by_hand() -> Iterator[list[str]]:
        with open(text, encoding="utf-8") as file:
            while batch := [line.rstrip("\n") for line in itertools.islice(file, 256)]:
                yield batch

    def streamed() -> Iterator[Any]:
        with fb.stream(text, batch_size=256) as batches:
            yield from batches

    ones, others = (itertools.chain.from_iterable(lines()) for lines in (by_hand, streamed))
    assert sum(1 for _ in ones) == sum(1 for _ in others)
    return _gain(by_hand, streamed, rounds)


def _first_batch(fb: Any, job: Job) -> float:
    def load_all() -> Iterator[Any]:
        rows = np.load(job.data)
        yield rows[np.random.default_rng(0).permutation(len(rows))][:BATCH]

    def first() -> Iterator[Any]:
        with fb.arrays(job.data, batch_size=BATCH, shuffle=True) as loader:
            yield next(iter(loader))

    return _gain(load_all, first, 5)
