# SPDX-License-Identifier: MIT
"""Formats and containers that a function does not read, and for each of them the call that does, for messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastbatch.errors import FormatError

from .codecs import CODECS, codec_of
from .local_file import Path, path_text, read_head
from .remote.urls import as_url


@dataclass(frozen=True)
class ForeignFormat:
    """A file format, as messages of functions that do not read it name it.

    Attributes:
        title: With its article.
        way: What gives its content.
        begins: First bytes of its files; empty if the extension alone tells.
        extensions: Of file names, in lower case; they are asked where no first bytes match.
        at: Offset of the first bytes.
        is_text: Its files are text.
    """

    title: str
    way: str
    begins: tuple[bytes, ...] = ()
    extensions: tuple[str, ...] = ()
    at: int = 0
    is_text: bool = False

    def __str__(self) -> str:
        return f"{self.title} ({self.way})"


_FRAME = "gives a DataFrame, which arrays() takes"
PACKED = "csv(), words(), lines() and stream() take it if its name ends in .gz, .bz2, .xz or .zst"
PARQUET = ForeignFormat("a Parquet file", f"table() takes it; pandas.read_parquet {_FRAME}", (b"PAR1",), ("parquet",))
FEATHER = ForeignFormat(
    "a Feather file", f"table() takes it; pandas.read_feather {_FRAME}", (b"ARROW1", b"FEA1"), ("feather", "arrow")
)
TAR = ForeignFormat(
    "a tar archive",
    "images() and tar() take plain ones, whose names end in .tar",
    (b"ustar",),
    ("tar", "tgz", "tar.gz", "tar.bz2", "tar.xz"),
    257,
)
GZIP = ForeignFormat("a gzip file", PACKED, (b"\x1f\x8b\x08",), ("gz",))
FORMATS = (
    PARQUET,
    FEATHER,
    ForeignFormat("an ORC file", f"pandas.read_orc {_FRAME}", (b"ORC",), ("orc",)),
    ForeignFormat(
        "an HDF5 file",
        "arrays(h5py.File(path)[name]) reads its arrays; pip install fastbatch[hdf5] brings h5py",
        (b"\x89HDF\r\n\x1a\n",),
        ("h5", "hdf5", "hdf"),
    ),
    ForeignFormat("a MATLAB file", "scipy.io.loadmat(path)[name] gives an array", (b"MATLAB 5.0",), ("mat",)),
    ForeignFormat(
        "a TFRecord file",
        "stream(tf.data.TFRecordDataset(path).as_numpy_iterator(), decode=...) gives batches",
        (),
        ("tfrecord", "tfrecords"),
    ),
    TAR,
    ForeignFormat("a 7z archive", "unpack it first", (b"7z\xbc\xaf\x27\x1c",), ("7z",)),
    ForeignFormat("an Excel file", f"pandas.read_excel {_FRAME}", (), ("xlsx", "xls", "ods")),
    ForeignFormat(
        "a file of PyTorch", "torch.load gives tensors, which arrays() takes on the CPU", (), ("pt", "pth", "ckpt")
    ),
    ForeignFormat(
        "a pickle",
        "pickles are never read because reading them runs the code inside",
        (b"\x80\x04\x95", b"\x80\x05\x95"),
        ("pkl", "pickle"),
    ),
    ForeignFormat("an SQLite database", f"pandas.read_sql {_FRAME}", (b"SQLite format 3\0",), ("sqlite", "db")),
    ForeignFormat("a zstd file", PACKED, (b"\x28\xb5\x2f\xfd",), ("zst",)),
    ForeignFormat("an xz file", PACKED, (b"\xfd7zXZ\0",), ("xz",)),
    ForeignFormat("a bzip2 file", PACKED, (b"BZh",), ("bz2",)),
    GZIP,
    ForeignFormat(
        "JSON",
        f"stream(path, decode=json.loads) for lines; pandas.read_json {_FRAME}",
        (),
        ("json", "jsonl"),
        is_text=True,
    ),
    ForeignFormat(
        "text",
        "words() and lines() take it; csv() if it is a table of numbers",
        (),
        ("txt", "md", "log"),
        is_text=True,
    ),
)

# Formats that are read here, by other functions than the one that was called.
NPY = ForeignFormat("a .npy array", "npy() and arrays() take it", (b"\x93NUMPY",), ("npy",))
ZIP = ForeignFormat(
    "a zip archive", "npz() and arrays() take it if its members are .npy arrays", (b"PK\3\4", b"PK\5\6"), ("npz", "zip")
)
SAFETENSORS = ForeignFormat("a safetensors file", "arrays() takes it", (), ("safetensors",))
IDX = ForeignFormat("an IDX file", "idx() and arrays() take it", (), ("idx",))
CSV = ForeignFormat("a CSV table", "csv() and arrays() take it", (), ("csv", "tsv"), is_text=True)
OURS = (NPY, ZIP, SAFETENSORS, IDX, CSV)
_OTHER_IMAGES = ("gif", "tif", "tiff", "bmp", "avif", "heic", "jp2", "jxl", "pdf")
IMAGE_ENDS = (*(end for codec in CODECS for end in codec.extensions), *_OTHER_IMAGES)
# (offset, first bytes, name) of images that Pillow or nobody reads; also in `kSignatures` of csrc/codecs/registry.cpp.
IMAGES = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyp", "HEIC or MP4"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"%PDF", "PDF"),
    (0, b"version https://git-lfs", "a Git LFS pointer"),
)


def known_format(path: str, head: bytes) -> ForeignFormat | None:
    """Return the format of a file, by its first bytes, or else by its name; one that is read here included."""
    found = any_signed_format(head)
    if found is not None and found is not ZIP and signed_format(head) is None:
        return found
    named = next((one for one in (SAFETENSORS, IDX, CSV) if _is_named(path, one)), None)
    return foreign_format(path, head) or found or named  # the name first: other formats are zip archives too


def content_name(head: bytes) -> str:
    """Return what the content of a file is that should be an image, for a message.

    In C++: `name_format` in `csrc/codecs/registry.cpp`, with the same names.
    """
    if not head:
        return "an empty file"
    codec = codec_of(head)
    if codec is not None:
        return codec.title
    found = any_signed_format(head, images=False)
    if found is not None:
        return str(found)
    for at, begin, name in IMAGES:
        if head.startswith(begin, at):
            return name
    text = head.lstrip(b" \t\r\n")
    if text[:1] == b"<" and (text[1:2] in (b"!", b"?") or text[1:2].isalpha()):
        return "HTML or XML"
    return f"the bytes {head[:4].hex(' ')}"


def any_signed_format(head: bytes, images: bool = True) -> ForeignFormat | None:
    """Return the format that the first bytes tell, one that is read here included."""
    for one in (*FORMATS, *OURS):
        if any(head.startswith(begin, one.at) for begin in one.begins):
            return one
    codec = codec_of(head) if images else None
    if codec is not None:
        return ForeignFormat(f"a {codec.title} image", "images() takes it", extensions=codec.extensions)
    if images and any(head.startswith(begin, at) and len(begin) >= 4 for at, begin, _ in IMAGES):
        return ForeignFormat(content_name(head), "images() takes those that Pillow reads", extensions=_OTHER_IMAGES)
    return None


def foreign_format(path: str, head: bytes) -> ForeignFormat | None:
    """Return the format of a file that is not read here, if it is known: by its first bytes, or else by its name."""
    name = os.path.basename(path).lower()
    is_packed = head[:3] in (b"\x1f\x8b\x08", b"BZh")
    if is_packed and any(name.endswith(end) for end in (".tgz", ".tar.gz", ".tar.bz2")):
        return TAR
    found = signed_format(head)
    if found is not None:
        return found
    return _by_name(path)


def container_format(path: str, head: bytes) -> ForeignFormat | None:
    """Return the format of a file that should hold bare numbers: numbers may begin like a file of another format.

    Signatures of less than 6 bytes count only together with the extension.
    """
    named = _by_name(path)
    if named is not None and not named.is_text and not (named.begins and signed_format(head) is None):
        return foreign_format(path, head)
    found = any_signed_format(head)
    if found is None or _is_named(path, found):
        return found
    return found if any(len(begin) >= 6 and head.startswith(begin, found.at) for begin in found.begins) else None


def refuse_container(path: str, what: str, expected: str, by_content: bool = True) -> None:
    """Raise FormatError for a file of a binary format where text is expected: by its name and its content.

    Args:
        by_content: Look into files whose names tell no format, too.

    Raises:
        OSError: The file cannot be read.
    """
    named = _by_name(path) or next((one for one in OURS if _is_named(path, one)), None)
    is_named = named is not None and not named.is_text
    if not (is_named or by_content or path.lower().endswith(IMAGE_ENDS)):
        return
    head = read_head(path)
    is_binary = b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))  # no UTF-16, -32
    if (is_binary and is_named) or (any_signed_format(head) if is_binary else is_named and signed_format(head)):
        raise FormatError(f"not {what}", path=path, expected=expected, found=known_format(path, head) or named)


def open_as(what: ForeignFormat, path: Path, open_it: Callable[[], Any], *packed: ForeignFormat) -> Any:
    """Return what a function opens that reads one format; of a file of another known format, the error names that.

    Args:
        what: The format that is read.
        packed: Formats in which it may be packed.

    Raises:
        FormatError: Also the function's own, for files of no other format.
    """
    try:
        return open_it()
    except FormatError:
        if as_url(path) is not None:
            raise
        text = path_text("path", path)
        head = read_head(text)
        other = known_format(text, head) if head else None
        if other is None or other is what or other in packed:
            raise
        raise FormatError("another format", path=text, expected=what.title, found=other) from None


def _by_name(path: str) -> ForeignFormat | None:
    return next((one for one in FORMATS if _is_named(path, one)), None)


def _is_named(path: str, one: ForeignFormat) -> bool:
    name = os.path.basename(path).lower()
    return any(name.endswith(f".{end}") for end in one.extensions)


def signed_format(head: bytes) -> ForeignFormat | None:
    """Return the format that the first bytes of a file tell."""
    return next((one for one in FORMATS if any(head.startswith(begin, one.at) for begin in one.begins)), None)


# Class names, with the package that they are of, and the way on. Base classes count too.
_OBJECTS = (
    ("torch", "TensorDataset", "arrays(*dataset.tensors) takes its tensors"),
    ("torch", "DataLoader", "arrays() takes the tensors of its data set; stream(dataset) any samples"),
    ("torch", "IterableDataset", "stream(dataset) makes batches of its samples"),
    ("torch", "Dataset", "stream(dataset) makes batches of its samples"),
    ("tensorflow", "DatasetV2", "restartable(dataset.as_numpy_iterator) gives its elements, stream() batches of them"),
    ("tensorflow", "RaggedTensor", "ragged.to_tensor() pads its rows"),
    ("tensorflow", "SparseTensor", "tf.sparse.to_dense gives an array"),
    ("datasets", "Dataset", "table(dataset) takes its columns, images(dataset, column=...) its images"),
    ("datasets", "IterableDataset", "stream(dataset) makes batches of its samples"),
    ("datasets", "DatasetDict", "take one of its parts, such as data['train']"),
    ("scipy", "_spbase", "sparse.toarray() gives an array, if it fits into memory"),
    ("scipy", "spmatrix", "sparse.toarray() gives an array, if it fits into memory"),
    ("pyarrow", "Table", "table(x) takes its columns"),
    ("xarray", "Dataset", "take one of its variables, dataset[name]"),
    ("h5py", "Group", "take one of its arrays, file[name]"),
    ("fastbatch", "Loader", "it is a loader already; map(), shard() and split() give others"),
    ("fastbatch", "EncodedSamples", "images() takes it"),
    ("builtins", "range", "np.arange gives an array"),
    ("builtins", "set", "a set has no order; np.array(sorted(x)) gives an array"),
    ("builtins", "frozenset", "a set has no order; np.array(sorted(x)) gives an array"),
    ("builtins", "bytes", "np.frombuffer gives an array"),
    ("builtins", "bytearray", "np.frombuffer gives an array"),
    ("builtins", "memoryview", "np.frombuffer gives an array"),
)


def what_it_is(thing: Any) -> str:
    """Return the type of an object that is not an array, for a message, and the call that takes it if there is one."""
    name = type(thing).__name__
    way = next(_ways(thing), None)
    return name if way is None else f"{name}; {way}"


def _ways(thing: Any) -> Iterator[str]:
    for base in type(thing).__mro__:
        package = base.__module__.partition(".")[0]
        for owner, name, way in _OBJECTS:
            if (owner, name) == (package, base.__name__):
                yield way
    if isinstance(thing, Iterator):
        yield "stream(x) makes batches of its items; restartable(function) starts a generator function in each epoch"
    if hasattr(thing, "read"):
        yield "stream(file) makes batches of its lines or records"


def columns_without_numbers(frame: Any) -> str | None:
    """Return the columns of a DataFrame that are not numbers, for a message; None if it is none."""
    if not (hasattr(frame, "dtypes") and hasattr(frame, "columns") and hasattr(frame, "select_dtypes")):
        return None
    wrong = [(name, kind) for name, kind in zip(frame.columns, frame.dtypes, strict=True) if _kind(kind) not in "biufc"]
    few = ", ".join(f"{name!s:.40} ({kind!s:.40})" for name, kind in wrong[:5])
    return f"columns {few}{', ...' * (len(wrong) > 5)}" if wrong else None


def _kind(dtype: Any) -> str:
    return str(getattr(dtype, "kind", "O"))
