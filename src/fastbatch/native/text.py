# SPDX-License-Identifier: MIT
"""Words and lines: the core's threads read and search, and `_words` creates the strings."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastbatch import _core, _words
from fastbatch.text.plan import Place, TextPlan, TextRun, is_decoded_natively, to_numpy_strings
from fastbatch.text.python_text import PythonText

if TYPE_CHECKING:
    from fastbatch.text.vocabulary import Vocabulary


class NativeTextRun:
    """A pass over the text."""

    def __init__(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> None:
        files = _core.FileList(list(plan.paths))
        index = order = None
        if plan.shuffle:
            if "index" not in known:
                known["index"] = _core.LineIndex(files, plan.encoding)
            index = known["index"]
            kind = "block" if plan.shuffle == "block" else "full"
            order = _core.Order(len(index), [], kind, plan.block_size, plan.window, plan.seed, epoch)
        chop = plan.item == "line" and not plan.keepends
        # One thread creates the strings, and one prefetching thread keeps up with it.
        threads = plan.threads or (_core.available_cpus() if plan.output in ("ids", "offsets") else 1)
        run = _core.TextRun(
            files,
            plan.item,
            plan.encoding,
            plan.errors,
            plan.batch_size,
            plan.drop_last,
            plan.rank,
            plan.world_size,
            threads,
            plan.read_size,
            max(2, plan.prefetch_bytes // plan.read_size),
            place.unit,
            place.byte,
            {"offsets": "offsets", "ids": plan.dtype}.get(plan.output, "strings"),
            chop,
            index,
            order,
            core_vocabulary(plan.vocabulary) if plan.output == "ids" else None,
            plan.batches_after(place.items),
        )
        self.progress = run.progress
        self.next: Callable[[], Any] = run.next
        if plan.output in ("str", "numpy"):
            self.next = next_list = _words.Strings(run.next, threads, chop).next
            if plan.output == "numpy":
                self.next = lambda: _as_numpy(next_list())
        self._finalizer = weakref.finalize(self, run.close)

    def close(self) -> None:
        self._finalizer()


def _as_numpy(batch: Any) -> Any:
    return to_numpy_strings(batch) if batch else batch


def core_vocabulary(vocabulary: Vocabulary) -> _core.Vocabulary:
    """Return the core's vocabulary, created once."""
    if vocabulary.core is None:
        vocabulary.core = _core.Vocabulary([word.encode("utf-8", "surrogatepass") for word in vocabulary.words])
    core: _core.Vocabulary = vocabulary.core
    return core


class NativeText:
    """The text implementation of `fastbatch`."""

    def start(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> TextRun:
        if is_decoded_natively(plan):
            return NativeTextRun(plan, epoch, place, known)
        return PythonText().start(plan, epoch, place, known)

    def count(self, plan: TextPlan) -> int:
        if is_decoded_natively(plan):
            threads = plan.threads or _core.available_cpus()
            files = _core.FileList(list(plan.paths))
            return _core.count_items(files, plan.item, plan.encoding, plan.errors, plan.read_size, threads)
        return PythonText().count(plan)

    def count_words(self, plan: TextPlan, max_words: int, min_count: int) -> list[tuple[str, int]]:
        if not is_decoded_natively(plan):
            return PythonText().count_words(plan, max_words, min_count)
        threads = plan.threads or _core.available_cpus()
        files = _core.FileList(list(plan.paths))
        words = _core.count_words(files, plan.encoding, plan.errors, plan.read_size, threads, max_words, min_count)
        return [(word.decode("utf-8", "surrogatepass"), count) for word, count in words]
