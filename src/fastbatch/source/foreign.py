# SPDX-License-Identifier: MIT
"""Formats and containers of other libraries, and for each of them the call that makes arrays or batches of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastbatch.errors import FormatError

from .local_file import read_head


@dataclass(frozen=True)
class ForeignFormat:
    """A file format that is not read here.

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
FORMATS = (
    ForeignFormat("a Parquet file", f"pandas.read_parquet {_FRAME}", (b"PAR1",), ("parquet",)),
    ForeignFormat("a Feather file", f"pandas.read_feather {_FRAME}", (b"ARROW1", b"FEA1"), ("feather", "arrow")),
    ForeignFormat("an ORC file", f"pandas.read_orc {_FRAME}", (b"ORC",), ("orc",)),
    ForeignFormat(
        "an HDF5 file", "h5py.File(path)[name][:] gives an array", (b"\x89HDF\r\n\x1a\n",), ("h5", "hdf5", "hdf")
    ),
    ForeignFormat("a MATLAB file", "scipy.io.loadmat(path)[name] gives an array", (b"MATLAB 5.0",), ("mat",)),
    ForeignFormat(
        "a TFRecord file",
        "stream(tf.data.TFRecordDataset(path).as_numpy_iterator(), decode=...) gives batches",
        (),
        ("tfrecord", "tfrecords"),
    ),
    ForeignFormat(
        "a tar archive",
        "unpack it with tarfile; images() takes the folder",
        (b"ustar",),
        ("tar", "tgz", "tar.gz", "tar.bz2", "tar.xz"),
        257,
    ),
    ForeignFormat("a 7z archive", "unpack it first", (b"7z\xbc\xaf\x27\x1c",), ("7z",)),
    ForeignFormat("an Excel file", f"pandas.read_excel {_FRAME}", (), ("xlsx", "xls", "ods")),
    ForeignFormat(
        "a file of PyTorch", "torch.load gives tensors, which arrays() takes on the CPU", (), ("pt", "pth", "ckpt")
    ),
    ForeignFormat("a safetensors file", "safetensors.numpy.load_file gives arrays", (), ("safetensors",)),
    ForeignFormat(
        "a pickle", "pickles are not read: they run code", (b"\x80\x04\x95", b"\x80\x05\x95"), ("pkl", "pickle")
    ),
    ForeignFormat("an SQLite database", f"pandas.read_sql {_FRAME}", (b"SQLite format 3\0",), ("sqlite", "db")),
    ForeignFormat("a zstd file", "decompress it first", (b"\x28\xb5\x2f\xfd",), ("zst",)),
    ForeignFormat("an xz file", "decompress it first, or stream(lzma.open(path))", (b"\xfd7zXZ\0",), ("xz",)),
    ForeignFormat("a bzip2 file", "decompress it first, or stream(bz2.open(path))", (b"BZh",), ("bz2",)),
    ForeignFormat(
        "a gzip file",
        f"decompress it first, or stream(gzip.open(path)); pandas.read_csv {_FRAME}",
        (b"\x1f\x8b\x08",),
        ("gz",),
    ),
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


def foreign_format(path: str, head: bytes) -> ForeignFormat | None:
    """Return the format of a file that is not read here, if it is known: by its first bytes, or else by its name."""
    name = os.path.basename(path).lower()
    is_packed = head[:3] in (b"\x1f\x8b\x08", b"BZh")
    if is_packed and any(name.endswith(end) for end in (".tgz", ".tar.gz", ".tar.bz2")):
        return next(one for one in FORMATS if one.title == "a tar archive")
    found = signed_format(head)
    if found is not None:
        return found
    return _by_name(path)


def container_format(path: str, head: bytes) -> ForeignFormat | None:
    """Return the format of a file that should hold bare numbers: numbers may begin like a file of another format.

    Signatures of less than 6 bytes count only together with the extension.
    """
    named = _by_name(path)
    if named is None or named.is_text or (named.begins and signed_format(head) is None):
        return signed_format(head, 6)
    return foreign_format(path, head)


def refuse_container(path: str, what: str, expected: str) -> None:
    """Raise FormatError for a file of another library's format where text is expected: by its name and its content.

    Raises:
        OSError: The file cannot be read.
    """
    named = _by_name(path)
    if named is None or named.is_text:
        return
    head = read_head(path)
    is_binary = b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))  # no UTF-16, -32
    if is_binary or signed_format(head) is not None:
        raise FormatError(f"not {what}", path=path, expected=expected, found=foreign_format(path, head))


def _by_name(path: str) -> ForeignFormat | None:
    name = os.path.basename(path).lower()
    return next((one for one in FORMATS if any(name.endswith(f".{end}") for end in one.extensions)), None)


def signed_format(head: bytes, least: int = 1) -> ForeignFormat | None:
    """Return the format that the first bytes of a file tell, by signatures of `least` bytes or more."""
    for one in FORMATS:
        if any(len(begin) >= least and head.startswith(begin, one.at) for begin in one.begins):
            return one
    return None


# Class names, with the package that they are of, and the way on. Base classes count too.
_OBJECTS = (
    ("torch", "TensorDataset", "arrays(*dataset.tensors) takes its tensors"),
    ("torch", "DataLoader", "arrays() takes the tensors of its data set; stream(dataset) any samples"),
    ("torch", "IterableDataset", "stream(dataset) makes batches of its samples"),
    ("torch", "Dataset", "stream(dataset) makes batches of its samples"),
    ("tensorflow", "DatasetV2", "restartable(dataset.as_numpy_iterator) gives its elements, stream() batches of them"),
    ("tensorflow", "RaggedTensor", "ragged.to_tensor() pads its rows"),
    ("tensorflow", "SparseTensor", "tf.sparse.to_dense gives an array"),
    ("datasets", "Dataset", 'arrays(dataset.with_format("numpy")[:]) takes its columns'),
    ("datasets", "IterableDataset", "stream(dataset) makes batches of its samples"),
    ("datasets", "DatasetDict", "take one of its parts, such as data['train']"),
    ("scipy", "_spbase", "sparse.toarray() gives an array, if it fits into memory"),
    ("scipy", "spmatrix", "sparse.toarray() gives an array, if it fits into memory"),
    ("pyarrow", "Table", "table.to_pandas() gives a DataFrame"),
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
