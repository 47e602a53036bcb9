# SPDX-License-Identifier: MIT
"""Text, tokens, labels and numbers of samples as tables: in the terminal and in HTML."""

from __future__ import annotations

import html as markup
from collections.abc import Sequence
from typing import Any

import numpy as np

from .kinds import Part

_MOST_NUMBERS = 12
_MOST_LETTERS = 100


def cell(part: Part, i: int) -> str:
    """Return sample `i` of a part in words."""
    value = part.values[i]
    if part.kind in ("labels", "numbers") and part.names and np.ndim(value) == 0 and 0 <= int(value) < len(part.names):
        return str(part.names[int(value)])
    if part.kind in ("images", "masks"):
        return f"{value.dtype} {' x '.join(map(str, value.shape))}"
    if part.kind == "series":
        return f"{value.shape[0]} steps of {value.shape[1]}, {np.min(value):.4g} to {np.max(value):.4g}"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        shown = repr(value[: _MOST_LETTERS + 1])[1:-1]
        return shown if len(value) <= _MOST_LETTERS else f"{shown[:_MOST_LETTERS]}..."
    return _numbers(value)


def _numbers(value: Any) -> str:
    if isinstance(value, list) and not value:
        return "[]"
    array = np.asarray(value, dtype=object if isinstance(value, (list, tuple, dict)) else None)
    if array.ndim == 0:
        return f"{array.item():.6g}" if array.dtype.kind == "f" else str(array.item())[:_MOST_LETTERS]
    flat = array.reshape(-1)
    shown = " ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in flat[:_MOST_NUMBERS].tolist())
    more = " ..." if flat.size > _MOST_NUMBERS else ""
    return shown + more


def lines(parts: Sequence[Part], n: int) -> list[str]:
    """Return a table of all parts in plain text."""
    rows = [["", *(part.name for part in parts)]]
    rows += [[str(i), *(cell(part, i) for part in parts)] for i in range(n)]
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def html(parts: Sequence[Part], n: int) -> str:
    """Return a table of some parts; nothing if there is none."""
    if not parts:
        return ""
    head = "".join(f"<th>{escaped(part.name)}</th>" for part in parts)
    body = "".join(
        f"<tr><td>{i}</td>{''.join(f'<td>{escaped(cell(part, i))}</td>' for part in parts)}</tr>" for i in range(n)
    )
    style = "border-collapse:collapse;font-family:sans-serif;font-size:.9rem"
    return f'<table style="{style}" cellpadding="5"><tr><th></th>{head}</tr>{body}</table>'


def escaped(text: str) -> str:
    """Return text for HTML."""
    return markup.escape(text)
