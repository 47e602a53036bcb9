# SPDX-License-Identifier: MIT
"""Stores: obstore for S3, Google Cloud Storage, Azure and HTTP, fsspec for all others; imported when used."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Any, Protocol

from fastbatch.errors import FormatError

from .clouds import SCHEMES, obstore_options
from .failures import as_os_error, require_same
from .urls import CONTAINER_SCHEMES, Object, root_and_key, shown_url

EXTRA = "objects in stores need the extra `stores`: pip install 'fastbatch[stores]'"
_TAGS = (
    "ETag",
    "etag",
    "checksum",
    "version_id",
    "blob_id",
    "md5",
    "mtime",
    "LastModified",
    "last_modified",
    "created",
)


class Store(Protocol):
    """The objects of a bucket or a host. Threads: one, that of the event loop."""

    async def head(self, url: str) -> Object:
        """Return an object. Raises OSError."""

    async def list(self, url: str) -> list[Object]:
        """Return the objects below a URL that ends in a slash, or of which it is the beginning. Raises OSError."""

    async def read(self, one: Object, offset: int, size: int) -> Any:
        """Return a range as a buffer. FormatError if the object was replaced; OSError; others: worth another try."""


def open_store(url: str) -> Store:
    """Return the store of a URL.

    Raises:
        ImportError: The library is not installed.
        OSError: It knows no such scheme, or refuses the URL.
    """
    root, _ = root_and_key(url)
    scheme = root.partition("://")[0].lower()
    try:
        if scheme == "hf" and not url.startswith("hf://buckets/"):
            from .hub import Hub

            return Hub()
        if scheme in SCHEMES and "?" not in url and ("@" not in root or scheme in CONTAINER_SCHEMES):
            return _Obstore(root, scheme)  # queries are part of no name
    except ImportError:
        pass
    try:
        return _Fsspec(url)
    except ImportError as error:
        raise ImportError(f"{shown_url(url)}: {EXTRA} ({error})") from None
    except ValueError as error:
        raise OSError(errno.EPROTONOSUPPORT, f"No store of this kind ({error})"[:200], shown_url(url)) from None


class _Obstore:
    """A bucket through obstore."""

    def __init__(self, root: str, scheme: str) -> None:
        import obstore
        from obstore.store import from_url

        self._obstore, self._root = obstore, root
        self._store = from_url(root, **obstore_options(scheme))

    async def head(self, url: str) -> Object:
        try:
            meta = await self._obstore.head_async(self._store, root_and_key(url)[1])
        except Exception as error:
            raise as_os_error(error, url) from None
        return self._object(meta)

    def _object(self, meta: Any) -> Object:
        tag = meta.get("e_tag") or (str(meta["last_modified"]) if meta["last_modified"].timestamp() else "")
        tag = tag.strip('"')  # Azure's lists have no quotes
        return Object(f"{self._root}/{meta['path']}", meta["size"], tag)

    async def list(self, url: str) -> list[Object]:
        folder = root_and_key(url)[1].rpartition("/")[0]
        found = []
        try:
            async for metas in self._obstore.list(self._store, prefix=folder or None, chunk_size=1000):
                found += [self._object(meta) for meta in metas]
        except Exception as error:
            if "http" in self._root[:4]:
                raise OSError(
                    errno.ENOTSUP, "A web server does not list its files; give their URLs", shown_url(url)
                ) from None
            raise as_os_error(error, url) from None
        return found

    async def read(self, one: Object, offset: int, size: int) -> Any:
        options: Any = {"range": (offset, offset + size)}
        try:
            result = await self._obstore.get_async(self._store, root_and_key(one.url)[1], options=options)
            require_same(one, self._object(result.meta))
            return await result.bytes_async()
        except FormatError:
            raise
        except Exception as error:
            raise as_os_error(error, one.url) from None


class _Fsspec:
    """A file system of fsspec, with the options that the user has configured for it."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self._files, _ = url_to_fs(url)
        self._scheme = url.partition("://")[0]

    def _path(self, url: str) -> str:
        return str(self._files._strip_protocol(url))

    def _object(self, info: dict[str, Any], url: str | None = None) -> Object:
        tag = next((_as_tag(info[key]) for key in _TAGS if info.get(key) is not None), "")
        name = str(info["name"])
        return Object(
            url or (name if "://" in name else f"{self._scheme}://{name.lstrip('/')}"), int(info["size"] or 0), tag
        )

    async def head(self, url: str) -> Object:
        info = await self._called(url, self._files.info, self._path(url))
        if info.get("type") == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown_url(url))
        return self._object(info, url)

    async def list(self, url: str) -> list[Object]:
        folder = url.rpartition("/")[0]
        found = await self._called(url, lambda: self._files.find(self._path(folder), detail=True))
        return [self._object(info) for info in found.values()]

    async def read(self, one: Object, offset: int, size: int) -> Any:
        self._files.invalidate_cache()
        require_same(one, await self.head(one.url))
        return await self._called(one.url, self._files.cat_file, self._path(one.url), offset, offset + size)

    async def _called(self, url: str, function: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(function, *arguments)
        except Exception as error:
            raise as_os_error(error, url) from None


def _as_tag(value: Any) -> str:
    """Return a tag, or a time as seconds: listings and `info` may give the same one in different types."""
    return str(value.timestamp() if hasattr(value, "timestamp") else value)
