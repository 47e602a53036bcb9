# SPDX-License-Identifier: MIT
"""Repositories of the Hugging Face Hub: huggingface_hub lists them, obstore reads them at one commit."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from .clouds import obstore_options
from .failures import as_os_error, require_same
from .urls import Object, shown_url

_URL = re.compile(
    r"(?P<root>hf://(?:(?P<kind>dataset|space|model)s/)?(?!(?:dataset|space|model)s/)(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?)/(?P<path>.*)",
    re.DOTALL,
)
_FRESH_S = 5.0  # as long as this, a branch is taken to stand where it stood


class _Place(NamedTuple):
    root: str  # the URL of the repository, as the user gives it
    path: str
    repository: tuple[str, str, str]  # kind, name and revision


class Hub:
    """The Hub. An object is read at the commit at which it was listed, so that it does not change in mid-epoch.

    Threads: one, that of the event loop.
    """

    def __init__(self) -> None:
        import obstore
        from huggingface_hub import HfApi
        from huggingface_hub.utils import build_hf_headers
        from obstore.store import from_url

        self._api, self._obstore = HfApi(), obstore
        address = self._api.endpoint
        options = obstore_options(address.partition("://")[0])
        options["client_options"]["default_headers"] = build_hf_headers()
        self._files = from_url(address, **options)
        # Of repositories, and when each was asked for.
        self._commits: dict[tuple[str, str, str], tuple[float, str]] = {}
        self._seen: dict[Object, str] = {}  # the commit at which an object was listed

    async def head(self, url: str) -> Object:
        place = _place(url)
        commit, found = await self._called(url, self._info, place)
        if not found:
            raise FileNotFoundError(errno.ENOENT, "No such object", shown_url(url))
        if not hasattr(found[0], "blob_id"):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown_url(url))
        return self._object(place, found[0], commit)

    async def list(self, url: str) -> list[Object]:
        place = _place(url)
        self._commits.pop(place.repository, None)
        commit, found = await self._called(url, self._tree, place)
        return [self._object(place, file, commit) for file in found if hasattr(file, "blob_id")]

    async def read(self, one: Object, offset: int, size: int) -> Any:
        if one not in self._seen:  # by another process
            require_same(one, await self.head(one.url))
        place = _place(one.url)
        kind, name, _ = place.repository
        key = f"{'' if kind == 'model' else kind + 's/'}{name}/resolve/{self._seen[one]}/{place.path}"
        try:
            options: Any = {"range": (offset, offset + size)}
            return await (await self._obstore.get_async(self._files, key, options=options)).bytes_async()
        except Exception as error:
            raise as_os_error(error, one.url) from None

    def _object(self, place: _Place, file: Any, commit: str) -> Object:
        one = Object(f"{place.root}/{file.path}", file.size, file.blob_id)
        self._seen[one] = commit
        return one

    def _commit(self, repository: tuple[str, str, str]) -> str:
        known = self._commits.get(repository)
        if known is None or time.monotonic() - known[0] > _FRESH_S:
            kind, name, revision = repository
            commit = self._api.repo_info(name, repo_type=kind, revision=revision).sha or revision
            self._commits[repository] = known = time.monotonic(), commit
        return known[1]

    def _info(self, place: _Place) -> tuple[str, Any]:
        commit, (kind, name, _) = self._commit(place.repository), place.repository
        return commit, self._api.get_paths_info(name, [place.path], repo_type=kind, revision=commit)

    def _tree(self, place: _Place) -> tuple[str, Any]:
        commit, (kind, name, _) = self._commit(place.repository), place.repository
        folder = place.path.rpartition("/")[0] or None
        return commit, list(self._api.list_repo_tree(name, folder, recursive=True, repo_type=kind, revision=commit))

    async def _called(self, url: str, function: Callable[[_Place], tuple[str, Any]], place: _Place) -> tuple[str, Any]:
        try:
            return await asyncio.to_thread(function, place)
        except Exception as error:
            raise as_os_error(error, url) from None


def _place(url: str) -> _Place:
    found = _URL.fullmatch(url)
    if found is None:
        what = "Expected hf://datasets/OWNER/NAME/PATH, or the same without datasets/ for a model"
        raise OSError(errno.EINVAL, what, shown_url(url))
    repository = found["kind"] or "model", found["name"], unquote(found["revision"] or "main")
    return _Place(found["root"], found["path"], repository)
