# SPDX-License-Identifier: MIT
"""What the errors of the libraries of stores mean."""

from __future__ import annotations

import errno
import re

from fastbatch.errors import FormatError

from .urls import Object, shown_url

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})\b")
_DENIED = (
    "401",
    "403",
    "ExpiredToken",
    "InvalidToken",
    "AccessDenied",
    "PermissionDeniedError",
    "UnauthenticatedError",
)
_MISSING = ("404", "NoSuchKey", "NoSuchBucket")


def require_same(one: Object, now: Object) -> None:
    """Raise FormatError if an object is not the one that was listed or opened."""
    if (now.size, now.tag) != (one.size, one.tag):
        raise FormatError(
            "object changed while in use",
            path=one.name,
            expected=f"{one.size} bytes with the tag {one.tag[:80] or 'none'}",
            found=f"{now.size} bytes with the tag {now.tag[:80] or 'none'}",
        )


def as_os_error(error: Exception, url: str) -> Exception:
    """Return what an error of a library means. Its text is not shown: it may hold a signed URL."""
    text, kind = str(error), type(error).__name__
    code, status = _CODE.search(text), _status_of(error, text)
    found = code[1] if code else status or kind
    if isinstance(error, PermissionError) or kind in _DENIED or {found, status} & {*_DENIED}:
        return PermissionError(
            errno.EACCES, f"The store denies access ({found}); check the credentials", shown_url(url)
        )
    if isinstance(error, FileNotFoundError) or kind == "NotFoundError" or {found, status} & {*_MISSING}:
        return FileNotFoundError(errno.ENOENT, f"No such object ({found})", shown_url(url))
    return UnsteadyError(found)


def _status_of(error: Exception, text: str) -> str:
    """Return the status of an answer by HTTP in an error of any of the libraries; "" if there is none."""
    response = getattr(error, "response", None)
    for owner, name in ((error, "status"), (error, "status_code"), (response, "status_code"), (error, "code")):
        if re.fullmatch(r"[1-5]\d\d", number := str(getattr(owner, name, ""))):
            return number
    found = _STATUS.search(text)
    return found[1] if found else ""


class UnsteadyError(Exception):
    """An error that another try may not have; its text is a word."""
