# SPDX-License-Identifier: MIT
"""Compressed text: the same words, lines, tables and records as of the plain file; damaged files; bombs."""

import bz2
import gzip
import json
import lzma

import numpy as np
import pytest
from making import same_batches

import fastbatch as fb
from fastbatch import pure

pa = pytest.importorskip("pyarrow")


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(content)
    return sink.getvalue().to_pybytes()


CODECS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
RNG = np.random.default_rng(0)
TEXT = "\n".join(" ".join(f"w{n}ü" for n in RNG.integers(0, 5000, RNG.integers(0, 30))) for _ in range(3000)) + "\n"


@pytest.fixture(params=CODECS)
def files(request, tmp_path):
    """The path of a text file, and of the same text compressed."""
    plain, packed = tmp_path / "a.txt", tmp_path / f"a.txt{request.param}"
    plain.write_bytes(TEXT.encode())
    packed.write_bytes(CODECS[request.param](TEXT.encode()))
    return plain, packed


@pytest.mark.parametrize("name", ["words", "lines"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_words_and_lines(api, files, name, encoding):
    plain, packed = files
    make = getattr(api, name)
    options = {"batch_size": 700, "encoding": encoding}
    same_batches(make(packed, **options), make(plain, **options))
    same_batches(make([packed, plain, packed], **options), make([plain] * 3, **options))
    assert len(make(packed, **options)) == len(make(plain, **options))


def test_resume_and_shards(api, files):
    plain, packed = files
    for name in ("words", "lines"):
        make = getattr(api, name)
        whole = list(make(plain, 300))
        loader = make([packed], 300)
        iterator = iter(loader)
        for _ in range(3):
            next(iterator)
        other = make([packed], 300)
        other.load_state_dict(json.loads(json.dumps(loader.state_dict())))
        same_batches(other, whole[3:])
        same_batches(make(packed, 300).shard(1, 2), make(plain, 300).shard(1, 2))


def test_states_are_the_same_in_both_implementations(files):
    _, packed = files
    states = []
    for api in (fb, pure):
        loader = api.lines(packed, 100)
        next(iter(loader))
        states.append(loader.state_dict())
    assert states[0] == states[1]


def test_vocabulary_and_ids(api, files):
    plain, packed = files
    vocabulary = api.vocabulary(packed)
    assert vocabulary.words == api.vocabulary(plain).words
    options = {"output": "ids", "vocabulary": vocabulary, "batch_size": 500}
    same_batches(api.words(packed, **options), api.words(plain, **options))


def test_a_byte_order_mark(api, tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfone two"))
    assert list(api.words(tmp_path / "a.gz", 9, encoding="utf-8-sig")) == [["one", "two"]]


def test_members_and_padding(api, tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one t") + gzip.compress(b"wo\nthree\n") + bytes(1000))
    assert list(api.lines(tmp_path / "a.gz", 9)) == [["one two\n", "three\n"]]


def test_a_shuffle_is_refused(api, files):
    with pytest.raises(
        ValueError, match=r"shuffle: expected files whose lines can be read in any order, found .*a.txt"
    ):
        api.lines(files[1], 9, shuffle="line")


def test_csv(api, files, tmp_path):
    end = files[1].suffix
    rows = RNG.normal(size=(5000, 3)).round(3)
    text = "a,b,c\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / f"x.csv{end}").write_bytes(CODECS[end](text.encode()))
    (tmp_path / f"x.tsv{end}").write_bytes(CODECS[end](text.replace(",", "\t").encode()))
    expected = np.asarray(api.csv(tmp_path / "x.csv"))
    assert (np.asarray(api.csv(tmp_path / f"x.csv{end}")) == expected).all()
    assert (np.asarray(api.csv(tmp_path / f"x.tsv{end}")) == expected).all()
    assert next(iter(api.arrays(str(tmp_path / f"x.csv{end}")))).shape == (32, 3)
    (tmp_path / f"y.csv{end}").write_bytes(CODECS[end](b"a,b\n1,2\n3,x\n"))
    with pytest.raises(fb.FormatError, match=rf"y.csv{end}: row 3, column 'b'"):
        api.csv(tmp_path / f"y.csv{end}")


def test_stream(api, files):
    plain, packed = files
    with api.stream(plain, 100) as expected, api.stream(packed, 100) as found:
        same_batches(found, expected)
    with pytest.raises(ValueError, match="follow: expected a plain file"):
        next(api.stream(packed, follow=True))


def test_json_lines(api, tmp_path):
    lines = [json.dumps({"x": [i, i / 2], "y": i % 2}) + "\n" for i in range(50)]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    batch = next(iter(api.lines(tmp_path / "a.jsonl.gz", 4).map(json.loads, each="sample")))
    assert batch["x"].tolist() == [[i, i / 2] for i in range(4)]
    assert batch["y"].tolist() == [0, 1, 0, 1]


# ---- damage ----------------------------------------------------------------------------------------------------------


def test_damaged_files(api, files):
    _, packed = files
    content = packed.read_bytes()
    name = NAMES[packed.suffix]
    half = len(content) // 2
    junk = [content + b"junk!"] if name in ("gzip", "zstd") else []  # Python's other readers ignore it
    for broken in (content[:half], content[:-3], b"", TEXT.encode(), *junk):
        packed.write_bytes(broken)
        for make in (lambda: api.words(packed, 9), lambda: api.lines(packed, 9), lambda: api.stream(packed, 9)):
            with pytest.raises(fb.FormatError, match=f"{name} (file|data)") as caught:
                list(make())
            assert caught.value.path == str(packed)
    packed.write_bytes(content[:half] + bytes([content[half] ^ 0x55]) + content[half + 1 :])
    with pytest.raises(fb.FormatError) as caught:  # of the text, if that is decoded before the checksum is compared
        list(api.lines(packed, 9))
    assert caught.value.path == str(packed)


def test_the_memory_is_bounded(api, tmp_path, monkeypatch):
    """A bomb of 300 MB without a space or a newline; most of it is not read."""
    with gzip.open(tmp_path / "a.gz", "wb", compresslevel=1) as out:
        for _ in range(300):
            out.write(bytes([97]) * (1 << 20))
    for make in (api.words, api.lines):
        with pytest.raises(
            fb.FormatError, match="a word or line that is too long in a compressed file: expected at most"
        ):
            list(make(tmp_path / "a.gz", 9))
