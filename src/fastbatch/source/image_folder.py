# SPDX-License-Identifier: MIT
"""Lists of image files: a folder with a sub-folder per class, or given paths."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import LONGEST_SHOWN, refuse_unordered, shown

from .codecs import CODECS, codec_of
from .folder_index import FolderIndex, Scan
from .foreign import known_format
from .local_file import MOST_PATH_BYTES, path_bytes, read_head
from .patterns import matching
from .remote.urls import as_url
from .samples import FileSamples, SampleSource

# Extensions that are decoded natively; Pillow decodes the others.
NATIVE_EXTENSIONS = tuple(extension for codec in CODECS for extension in codec.extensions)
OTHER_EXTENSIONS = ("gif", "bmp", "dib", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "avif", "jp2", "j2k", "tga", "ico")
EXTENSIONS = (*NATIVE_EXTENSIONS, *OTHER_EXTENSIONS)
PLUGIN_EXTENSIONS = ("heic", "heics", "heif", "heifs", "hif", "jxl")  # images once a plug-in of Pillow reads them


def known_extensions() -> tuple[str, ...]:
    """Return the extensions of images: also those for which the program has registered a plug-in of Pillow."""
    pillow = sys.modules.get("PIL.Image")
    registered = () if pillow is None else pillow.EXTENSION
    return (*EXTENSIONS, *(one for one in PLUGIN_EXTENSIONS if f".{one}" in registered))


@dataclass(frozen=True)
class ImageFiles:
    """Image files and, with class folders, their labels and the class names."""

    samples: SampleSource
    labels: np.ndarray[Any, np.dtype[np.int64]] | None = None
    class_names: tuple[str, ...] | None = None

    @property
    def paths(self) -> list[bytes]:
        """The files."""
        assert isinstance(self.samples, FileSamples)
        return self.samples.paths


def scan_folder(path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return the images, the folders and the other links in a folder; in C++: `csrc/source/folder.cpp`."""
    files, folders, links = [], [], []
    ends = frozenset(extension.encode() for extension in known_extensions())
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(b"."):
                continue
            _, dot, end = name.rpartition(b".")
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif dot and end.lower() in ends:
                files.append(name)
            elif entry.is_symlink():
                links.append(name)
    return sorted(files), sorted(folders), sorted(links)


def expanded(root_or_paths: Any, root: Any = None) -> Any:
    """Return the files of a pattern, or anything else as it is."""
    is_local = isinstance(root_or_paths, str | os.PathLike) and as_url(root_or_paths) is None
    files = matching("path", root_or_paths) if is_local else None
    if files is not None and root is not None:
        raise ValueError("root: only valid with a list of paths")
    return root_or_paths if files is None else files


def list_images(
    root_or_paths: Any,
    infer: bool,
    *,
    root: Any = None,
    class_names: tuple[str, ...] | None = None,
    scan: Scan = scan_folder,
    index_cache: bool = True,
) -> ImageFiles:
    """Return the image files in a fixed order: sorted by the bytes of their names.

    Args:
        infer: Use the sub-folders as classes.
        root: Base folder of a list of relative paths.
        class_names: Use only these sub-folders, in this order.
        scan: Function that lists one folder.
        index_cache: Cache the listings; see `source/folder_index.py`.

    Raises:
        ValueError: No images, or no class folders although `infer` is set.
        OSError: The folder cannot be read.
    """
    objects = _objects(root_or_paths, root, infer, class_names)
    if objects is not None:
        return objects
    root_or_paths = expanded(root_or_paths, root)
    if isinstance(root_or_paths, (str, bytes, os.PathLike)):
        folder = path_bytes("path", root_or_paths)
        if root is not None:
            raise ValueError("root: only valid with a list of paths")
        try:
            index = FolderIndex(folder, known_extensions(), scan, index_cache)
            if infer:
                files = _class_folders(folder, index, class_names)
            else:
                files = ImageFiles(FileSamples(_non_empty(_images_below(index, folder), folder)))
            index.save()
        except NotADirectoryError:
            raise _no_folder(folder) from None
        except OSError as error:
            if isinstance(error.filename, bytes):
                error.filename = os.fsdecode(error.filename)  # as text, as in all other errors
            raise
        return files
    return ImageFiles(FileSamples(as_paths("paths", root_or_paths, root)))


def _objects(given: Any, root: Any, infer: bool, class_names: tuple[str, ...] | None) -> ImageFiles | None:
    """Return images in a store: a folder, a pattern or a list of URLs; None for files of this machine."""
    url = as_url(given)
    if url is None and as_url(root) is None:
        if not isinstance(given, list | tuple) or not any(as_url(one) for one in given):
            return None
        local = [one for one in given if as_url(one) is None]
        if local:
            raise ValueError(f"paths: expected URLs, as others of them are, found {shown(local[0])}")
    from .remote.images import images_at, images_below

    if url is None:
        return images_at(as_url(root), given)
    if root is not None:
        raise ValueError("root: only valid with a list of paths")
    return images_below(url, infer, class_names, known_extensions())


def _no_folder(path: bytes) -> NotADirectoryError:
    text = os.fsdecode(path)
    head = read_head(text) if os.path.isfile(text) else b""
    other = known_format(text, head)
    hint = "images([path]) takes single files" if codec_of(head) else f"{other or ''}"
    return NotADirectoryError(errno.ENOTDIR, f"Not a directory{': ' * bool(hint)}{hint}", text)


def as_paths(name: str, given: Any, root: Any = None) -> list[bytes]:
    """Return the paths of an iterable as bytes, joined to `root` if given.

    Raises:
        TypeError: An item is not a path.
        ValueError: A path contains a null byte.
    """
    folder = None if root is None else path_bytes("root", root)
    paths = []
    if not isinstance(given, Iterable):
        raise TypeError(f"{name}: expected a list of paths, found {shown(given)}")
    refuse_unordered(name, given)
    for i, path in enumerate(given):
        if isinstance(path, bytes) and (len(path) > MOST_PATH_BYTES or codec_of(path) is not None):
            found = f"{shown(path[:LONGEST_SHOWN])}, {len(path)} bytes"
            raise ValueError(
                f"{name}: sample {i}: expected a path, found {found}; encoded([...]) takes images in memory"
            )
        encoded = path_bytes(f"{name}: sample {i}", path)
        paths.append(encoded if folder is None else os.path.join(folder, encoded))
    return paths


def _class_folders(root: bytes, index: FolderIndex, class_names: tuple[str, ...] | None) -> ImageFiles:
    content = index.content()
    links = [name for name in content.links if os.path.isdir(os.path.join(root, name))]
    classes = sorted(content.folders + links)
    if class_names is not None:
        wanted = [os.fsencode(name) for name in class_names]
        for name in wanted:
            if name not in classes:
                raise ValueError(
                    f"class_names: expected sub-folders of {os.fsdecode(root)}, found {shown(os.fsdecode(name))}"
                )
        classes = wanted
    paths: list[bytes] = []
    counts = []
    for name in classes:
        found = _images_below(index, root, name)
        counts.append(len(found))
        paths += found
    if not classes and content.files:
        raise ValueError(
            f"{os.fsdecode(root)}: expected one sub-folder for each class, found images and no sub-folder; "
            "labels=None loads them without labels"
        )
    names = tuple(map(os.fsdecode, classes))
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), counts)
    return ImageFiles(FileSamples(_non_empty(paths, root)), labels, names)


def _images_below(index: FolderIndex, root: bytes, below: bytes = b"") -> list[bytes]:
    found: list[bytes] = []
    waiting = [below]
    while waiting:
        folder = waiting.pop()
        content = index.content(folder, follow=folder == below)
        waiting += [os.path.join(folder, name) for name in content.folders]
        prefix = os.path.join(root, folder, b"")
        found += [prefix + name for name in content.files]
    return sorted(found)


def _non_empty(paths: list[bytes], root: bytes) -> list[bytes]:
    if not paths:
        raise ValueError(
            f"{os.fsdecode(root)}: expected image files ({', '.join(known_extensions())}) below it, found none"
        )
    return paths
