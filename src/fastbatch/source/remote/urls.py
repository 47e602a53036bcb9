# SPDX-License-Identifier: MIT
"""URLs of objects in stores."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

CONTAINER_SCHEMES = ("abfs", "abfss")  # container@account; elsewhere what is before an @ may be secret
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


class Object(NamedTuple):
    """An object in a store, as it was when it was listed or opened.

    Attributes:
        url: Where it is.
        size: Bytes.
        tag: Its entity tag, or what else the store changes with the content; "" if it tells nothing.
    """

    url: str
    size: int
    tag: str

    @property
    def name(self) -> str:
        """The URL for messages: see `shown_url`."""
        return shown_url(self.url)


def as_url(path: Any) -> str | None:
    """Return a path that is a URL, or None. A file of this machine with such a name is none."""
    if not isinstance(path, str | bytes):
        return None
    text = os.fsdecode(path)
    return text if _SCHEME.match(text) and not os.path.exists(text) else None


def is_pattern(url: str) -> bool:
    """Return whether a URL names several objects, by wildcards or lists in braces."""
    return re.search(r"[*?\[{]", url.partition("?")[0] if url.startswith("http") else url) is not None


def shown_url(url: str) -> str:
    """Return a URL for messages and keys: without passwords, and without the query, which may hold a signature."""
    scheme, _, rest = url.partition("://")
    rest = rest.partition("#")[0].partition("?")[0]
    host, slash, path = rest.partition("/")
    if scheme.lower() not in CONTAINER_SCHEMES:
        host = host.rpartition("@")[2]
    return f"{scheme}://{host}{slash}{path}"


def root_and_key(url: str) -> tuple[str, str]:
    """Return the bucket or host of a URL, and the name of the object there."""
    scheme, _, rest = url.partition("://")
    host, _, key = rest.partition("/")
    return f"{scheme}://{host}", key
