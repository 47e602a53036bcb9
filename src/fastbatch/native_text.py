# SPDX-License-Identifier: MIT
"""Words and lines by the compiled core: its threads read and search, `_words` makes the strings."""

from __future__ import annotations

import weakref
from typing import Any, Literal

from . import _core, _words
from .text import is_decoded_natively
from .text_plan import Place, TextPlan, TextRun


class NativeTextRun:
    """One pass over the text."""

    def __init__(self, plan: TextPlan, place: Place) -> None:
        self._run = _core.TextRun(
            _core.FileList(list(plan.paths)),
            plan.item,
            plan.encoding,
            plan.errors,
            plan.batch_size,
            plan.drop_last,
            plan.rank,
            plan.world_size,
            plan.threads or 1,
            plan.read_size,
            max(2, plan.prefetch_bytes // plan.read_size),
            place.unit,
            place.byte,
        )
        self._chop = int(plan.item == "line" and not plan.keepends)
        self._finalizer = weakref.finalize(self, self._run.close)

    def next(self) -> tuple[int, Any, int, int, int] | Literal[False] | None:
        found = self._run.next()
        if not found:
            return found
        number, batch, unit, byte, items = found
        return number, _words.to_list(batch, self._chop), unit, byte, items

    def close(self) -> None:
        self._finalizer()


class NativeText:
    """`fastbatch` itself."""

    def start(self, plan: TextPlan, epoch: int, place: Place) -> TextRun:
        if is_decoded_natively(plan):
            return NativeTextRun(plan, place)
        from .pure.text import PureText

        return PureText().start(plan, epoch, place)

    def count(self, plan: TextPlan) -> int:
        if is_decoded_natively(plan):
            return _core.count_text(
                _core.FileList(list(plan.paths)), plan.item, plan.encoding, plan.errors, plan.read_size
            )
        from .pure.text import PureText

        return PureText().count(plan)
