# SPDX-License-Identifier: MIT
"""Labels of the images in tar archives: members with an extension, fields of JSON members, or a function's results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import shown
from fastbatch.errors import FormatError

from .archive import Archive

CLASS = "cls"  # WebDataset's extension for the number or the name of a class
_ABSENT = object()
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def labels_of(archive: Archive, given: Any, of: NDArray[np.int64]) -> Any:
    """Return the labels of the samples with the numbers `of`: one per sample, or None.

    Args:
        given: "infer": the `.cls` members, if there are any. ".txt": the members with this extension, as numbers or
            names. ".json:label": a field of JSON members; ".json:meta.label" of an object in it. A function that is
            called with each sample, a mapping from extensions to bytes. None, or labels: returned as they are.

    Raises:
        FormatError: A sample without this member, or one that is not text or JSON, or lacks the field.
    """
    if callable(given):
        return [given(archive.sample(i)) for i in of.tolist()]
    if not isinstance(given, str):
        return given
    if given == "infer":
        if not archive.has(CLASS).any():
            return None
        given = f".{CLASS}"
    extension, field = split_label(given)
    members = archive.members([extension], of)
    texts = [_text(content, members.name, i) for i, content in enumerate(members.read_all())]
    if field:
        return [_field(text, field, members.name, i) for i, text in enumerate(texts)]
    return [int(text) for text in texts] if all(map(_NUMBER.fullmatch, texts)) else texts


def split_label(given: str) -> tuple[str, str]:
    """Return the extension and the field in ".json:label"; the field may be empty."""
    extension, colon, field = given.removeprefix(".").partition(":")
    if not given.startswith(".") or not extension or (colon and not field):
        raise ValueError(
            f"labels: expected 'infer', an extension such as '.cls' or '.json:label', or labels, found {shown(given)}"
        )
    return extension.lower(), field


def _text(content: bytes, name: Callable[[int], str], i: int) -> str:
    try:
        text = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise FormatError("not a label", path=name(i), expected="UTF-8 text", found=shown(content[:40])) from None
    if not text:
        raise FormatError("no label", path=name(i), expected="text", found="an empty member")
    return text


def _field(text: str, field: str, name: Callable[[int], str], i: int) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", path=name(i)) from None
    for part in field.split("."):
        found = found.get(part, _ABSENT) if isinstance(found, dict) else _ABSENT
    if found is _ABSENT:
        raise FormatError("no label", path=name(i), expected=f"a field {shown(field)}", found=shown(text))
    return found
