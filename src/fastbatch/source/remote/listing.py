# SPDX-License-Identifier: MIT
"""Objects of a folder, a pattern or a list of URLs."""

from __future__ import annotations

import errno
import fnmatch
import glob
import re
from collections.abc import Callable, Iterable

from fastbatch.source.patterns import expanded

from .fetcher import fetcher
from .urls import Object, shown_url

_FEWEST = 64  # objects of a folder for which it is listed, instead of asking for each


def matching_objects(url: str) -> list[Object] | None:
    """Return the objects of a pattern, sorted; None if the URL is none. `**` includes sub-folders.

    Lists in braces ({a,b}, {000..099}) are expanded in their order.

    Raises:
        FileNotFoundError: No object fits it.
        OSError: The store cannot be listed.
        ValueError: A range in braces that descends.
    """
    names = list(expanded("path", url))
    if len(names) > 1:
        plain = iter(objects_of(name for name in names if not _has_magic(name)))
        return [one for name in names for one in (_fitting(name) if _has_magic(name) else [next(plain)])]
    return _fitting(names[0]) if _has_magic(names[0]) else None


def _has_magic(url: str) -> bool:
    return glob.has_magic(url) and not url.startswith(("http://", "https://"))


def _fitting(url: str) -> list[Object]:
    plain = re.split(r"[*?\[]", url, maxsplit=1)[0].rpartition("/")[0] + "/"
    fits = _pattern(url)
    found = [one for one in fetcher().list(plain) if fits(one.url)]
    if not found:
        raise FileNotFoundError(errno.ENOENT, "No object fits the pattern", shown_url(url))
    return found


def _pattern(url: str) -> Callable[[str], object]:
    parts = []
    for part in re.split(r"(\*\*/?)", url):
        if part.startswith("**"):
            parts.append("(?:.*/)?" if part.endswith("/") else ".*")
        else:
            parts.append("/".join(fnmatch.translate(name)[4:-3].replace(".*", "[^/]*") for name in part.split("/")))
    return re.compile("".join(parts), re.DOTALL).fullmatch


def objects_of(urls: Iterable[str]) -> list[Object]:
    """Return objects in the order of their URLs; folders of many of them are listed, others asked for one by one.

    Raises:
        FileNotFoundError: There is no such object.
    """
    wanted = list(urls)
    folders: dict[str, list[str]] = {}
    for url in wanted:
        folders.setdefault(url.rpartition("/")[0] + "/", []).append(url)
    known: dict[str, Object] = {}
    for folder, inside in folders.items():
        if len(inside) >= _FEWEST and not folder.startswith("http"):
            known.update((one.url, one) for one in fetcher().list(folder))
    missing = [url for url in dict.fromkeys(wanted) if url not in known]
    known.update(zip(missing, fetcher().heads(missing), strict=True))
    return [known[url] for url in wanted]
