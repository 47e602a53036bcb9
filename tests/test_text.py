# SPDX-License-Identifier: MIT
"""Words as in `str.split()` and lines as in `open()`, in batches, on both implementations."""

import inspect
import io
import itertools
import os

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from texts import READ_SIZES, flat, in_batches, write

import fastbatch
from fastbatch import pure
from fastbatch.source.foreign import signed_format
from fastbatch.text import python_text

pytestmark = pytest.mark.behavior

SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
# White space, its neighbours, characters of one to four bytes, and characters that share first bytes with white space.
ALPHABET = SPACES + "abcz\x00\x08\x0e\x1b!\x7f\x84\xa1éωﬁ漢字\u200b\u2010\u2027\u2030\u2060\u3001\ufeff😀\U0010ffff"
TEXTS = st.lists(st.sampled_from(ALPHABET + "aab   \n"), max_size=60).map("".join)


# ---- the user's own example --------------------------------------------------------------------------------------


def users_generator(filepath, batch_size):
    with open(filepath, encoding="utf-8") as file:
        batch = []
        for line in file:
            for word in line.split():
                batch.append(word)
                if len(batch) == batch_size:
                    yield batch
                    batch = []
        if batch:
            yield batch


def test_the_users_generator(api, tmp_path):
    path = write(tmp_path, "one two  three\nfour\r\n\n five six\tseven eight")
    for size in (1, 2, 3, 8, 100):
        assert list(api.text_generator(path, size)) == list(users_generator(path, size))
    words = api.text_generator(str(path), 3)
    assert inspect.isgenerator(words)
    assert iter(words) is words
    assert next(words) == ["one", "two", "three"]
    assert list(itertools.islice(words, 1)) == [["four", "five", "six"]]
    assert [len(batch) for batch in words] == [2]
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(words)


def test_a_closed_generator_is_at_its_end(api, tmp_path):
    words = api.text_generator(write(tmp_path, "a b c"), 1)
    assert next(words) == ["a"]
    words.close()
    assert list(words) == []


def test_a_new_generator_each_epoch(api, tmp_path):
    path = write(tmp_path, "a b c d e")
    for _ in range(3):
        assert flat(api.text_generator(path, 2)) == list("abcde")


def test_drop_last_and_shard_of_a_generator(api, tmp_path):
    path = write(tmp_path, "a b c d e f g")
    assert list(api.text_generator(path, 2, drop_last=True)) == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert list(api.text_generator(path, 2, shard=(0, 2))) == [["a", "b"], ["e", "f"]]
    assert list(api.text_generator(path, 2, shard=(1, 2))) == [["c", "d"], ["g"]]
    assert list(api.text_generator(path, 2, shard=(1, 2), drop_last=True)) == [["c", "d"]]


# ---- words and lines, by definition ------------------------------------------------------------------------------


@settings(max_examples=50)
@given(text=TEXTS, size=st.integers(1, 7), read_size=READ_SIZES)
def test_words_are_those_of_split(tmp_path, text, size, read_size):
    path = write(tmp_path, text)
    for api in (fastbatch, pure):
        assert list(api.words(path, size, read_size=read_size)) == in_batches(text.split(), size)


@settings(max_examples=50)
@given(text=TEXTS, size=st.integers(1, 7), read_size=READ_SIZES)
def test_lines_are_those_of_open(tmp_path, text, size, read_size):
    path = write(tmp_path, text)
    with open(path, encoding="utf-8") as file:
        lines = list(file)
    for api in (fastbatch, pure):
        assert list(api.lines(path, size, read_size=read_size)) == in_batches(lines, size)
        chopped = [line.removesuffix("\n") for line in lines]
        assert flat(api.lines(path, size, keepends=False, read_size=read_size)) == chopped
        assert api.lines(path, size, read_size=read_size).n_samples == len(lines)


@settings(max_examples=50)
@given(
    data=st.lists(
        st.sampled_from([bytes([b]) for b in b"a\n\r \x80\xa0\xbf\xc2\xe0\xe1\xe2\x9a\xed\xf0\xf4\xff"]), max_size=30
    ).map(b"".join)
    | st.binary(max_size=40),
    errors=st.sampled_from(["ignore", "replace", "surrogateescape", "backslashreplace", "surrogatepass"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "ascii", "latin-1", "cp1252"]),
    read_size=READ_SIZES,
)
def test_bytes_that_are_no_text_are_handled_as_open_does(tmp_path, data, errors, encoding, read_size):
    if errors == "surrogatepass" and not encoding.startswith("utf"):
        errors = "ignore"
    path = write(tmp_path, data)
    options = {"encoding": encoding, "errors": errors, "read_size": read_size}
    try:
        with open(path, encoding=encoding, errors=errors) as file:
            lines = list(file)
    except UnicodeDecodeError:
        for api in (fastbatch, pure):
            with pytest.raises(fastbatch.EncodingError):
                list(api.lines(path, 3, **options))
        return
    for api in (fastbatch, pure):
        assert flat(api.lines(path, 3, **options)) == lines
        assert flat(api.words(path, 3, **options)) == flat(line.split() for line in lines)


@settings(max_examples=50)
@given(data=st.binary(max_size=12) | TEXTS.map(str.encode), tail=st.binary(max_size=6), read_size=READ_SIZES)
def test_what_is_no_text_is_told_with_its_place(tmp_path, data, tail, read_size):
    data += tail
    assume(signed_format(data) is None)  # files of other formats are refused before
    path = write(tmp_path, data)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        expected = error
    else:
        return
    found = []
    for api in (fastbatch, pure):
        for make in (api.words, api.lines):
            got = []
            with pytest.raises(UnicodeDecodeError) as caught:
                for batch in make(path, 1, read_size=read_size):
                    got += batch
            error = caught.value
            assert isinstance(error, fastbatch.FormatError)
            assert (error.offset, error.reason, error.path) == (expected.start, expected.reason, str(path))
            assert error.object[error.start : error.end] == data[expected.start : expected.end]
            assert (
                str(error)
                == f"{path}: byte {expected.start}: not utf-8 text: {expected.reason}: 0x{error.object.hex()}"
            )
            found.append(got)
    assert found[:2] == found[2:]
    before = data[: expected.start].decode()
    words = before.split()
    assert found[0] == (words if before[-1:].isspace() else words[:-1])  # without the word cut short by invalid bytes
    assert "".join(found[1]) == before[: max(before.rfind("\n"), before.rfind("\r")) + 1].replace("\r\n", "\n").replace(
        "\r", "\n"
    )


# ---- several files -----------------------------------------------------------------------------------------------


def test_files_and_patterns(api, tmp_path):
    (tmp_path / "sub").mkdir()
    for name, text in {"b.txt": "c d", "a.txt": "a b", "sub/c.txt": "e", "empty.txt": "", "other.md": "no"}.items():
        write(tmp_path, text, name)
    assert flat(api.words(f"{tmp_path}/*.txt", 2)) == list("abcd")
    assert flat(api.words(f"{tmp_path}/**/*.txt", 2)) == list("abcde")
    assert flat(api.lines([tmp_path / "b.txt", str(tmp_path / "a.txt")], 2)) == ["c d", "a b"]
    write(tmp_path, "brackets", "[x]*.txt")
    assert flat(api.words(f"{tmp_path}/[x]*.txt")) == ["brackets"]
    with pytest.raises(FileNotFoundError, match="No file fits the pattern"):
        api.words(f"{tmp_path}/*.csv")
    with pytest.raises(ValueError, match="paths: expected at least one"):
        api.words([])
    with pytest.raises(TypeError, match="paths"):
        api.words(3)


# ---- bad input ---------------------------------------------------------------------------------------------------


def test_missing_files_and_folders(api, tmp_path):
    missing = tmp_path / "missing.txt"
    words = api.text_generator(missing, 2)  # a generator: it opens the file at the first next()
    with pytest.raises(FileNotFoundError, match="missing.txt"):
        next(words)
    assert list(words) == []
    with pytest.raises(IsADirectoryError):
        next(api.text_generator(tmp_path, 2))
    for make in (api.words, api.lines):
        with pytest.raises(FileNotFoundError, match="missing.txt"):
            make(missing)
        with pytest.raises(IsADirectoryError):
            make(tmp_path)
    with (
        (tmp_path / "open.txt").open("w+") as file,
        pytest.raises(TypeError, match="expected a path or several, found Tex"),
    ):
        api.words(file)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file"):
        next(api.text_generator(tmp_path / "pipe", 2))


def test_empty_files_and_files_of_white_space(api, tmp_path):
    for text in ("", " ", "\n", "\n \r\n\t\u3000", "\ufeff"):
        path = write(tmp_path, text)
        assert list(api.text_generator(path, 2)) == in_batches(text.split(), 2)
        assert flat(api.lines(path)) == flat([text.replace("\r\n", "\n").splitlines(True)])
        assert flat(api.words(path, encoding="utf-8-sig")) == text.lstrip("\ufeff").split()
        assert list(api.words(path).repeat(2)) == list(api.words(path)) * 2
    assert list(api.words(write(tmp_path, "")).repeat()) == []


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True, None, "2"])
def test_bad_batch_sizes(api, tmp_path, batch_size):
    for make in (api.text_generator, api.words, api.lines):
        with pytest.raises((ValueError, TypeError), match="batch_size"):
            make(write(tmp_path, "a"), batch_size)


def test_bad_options(api, tmp_path):
    path = write(tmp_path, "a")
    with pytest.raises(LookupError):
        api.words(path, encoding="nothing")
    with pytest.raises(LookupError, match="not a text encoding"):
        api.words(path, encoding="base64")
    with pytest.raises(LookupError):
        api.words(path, errors="nothing")
    with pytest.raises(TypeError, match="encoding"):
        api.words(path, encoding=None)
    with pytest.raises(TypeError, match="shard"):
        api.words(path, shard=3)
    with pytest.raises(ValueError, match="rank"):
        api.words(path, shard=(2, 2))
    with pytest.raises(TypeError, match="filepath"):
        api.text_generator(3, 2)


def test_a_word_and_a_line_longer_than_any_block(api, tmp_path):
    long = "x" * 3_000_000 + "é"
    path = write(tmp_path, f"a {long} b\n{long}")
    assert flat(api.text_generator(path, 2)) == ["a", long, "b", long]
    assert flat(api.lines(path)) == [f"a {long} b\n", long]


def test_a_file_that_shrinks(api, tmp_path):
    path = write(tmp_path, "word\n" * 200_000)
    iterator = iter(api.words(path, 10, read_size=4096, prefetch_bytes=8192))
    next(iterator)
    os.truncate(path, 50_000)
    with pytest.raises(fastbatch.FormatError, match="became shorter while it was read: expected 1000000 bytes, found"):
        list(iterator)
    assert list(iterator) == []


def test_a_file_that_grows(api, tmp_path):
    path = write(tmp_path, "word\n" * 10_000)
    iterator = iter(api.words(path, 10, read_size=4096, prefetch_bytes=8192))
    next(iterator)
    with open(path, "a") as file:
        file.write("end")
    assert flat(iterator)[-1] == "end"


@pytest.mark.parametrize("read_size", [1, 2, 3, 4, 64])
def test_a_newline_in_two_parts_around_what_is_ignored(api, tmp_path, read_size):
    path = write(tmp_path, b"a\r\xff\nb\r\xff\xff\n\r\xffc\r\xff")
    for encoding in ("ascii", "utf-8"):
        with open(path, encoding=encoding, errors="ignore") as file:
            expected = list(file)
        assert flat(api.lines(path, 2, encoding=encoding, errors="ignore", read_size=read_size)) == expected


def test_other_encodings_cost_no_more_for_long_lines(api, tmp_path):
    """400,000 words on one line took 50 s: each word's offset was counted from the line's start."""
    path = tmp_path / "long.txt"
    path.write_text(" ".join(f"w{i}" for i in range(400_000)), encoding="utf-16")
    batches = list(api.words(path, 100_000, encoding="utf-16"))
    assert [len(batch) for batch in batches] == [100_000] * 4
    assert (batches[0][0], batches[-1][-1]) == ("w0", "w399999")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le", "shift-jis", "cp1252"])
@pytest.mark.parametrize("item", ["words", "lines"])
def test_items_that_lie_in_two_pieces_of_other_encodings(api, tmp_path, monkeypatch, encoding, item):
    monkeypatch.setattr(python_text, "CHUNK_BYTES", 5)
    text = "one  two\r\nthree\rfour five\n\n six" + "seven" * 9 + " \n"
    path = tmp_path / "a.txt"
    path.write_text(text, encoding=encoding, newline="")
    expected = text.split() if item == "words" else list(io.StringIO(text, newline=None))
    loader = getattr(api, item)(path, 1, encoding=encoding)
    assert [batch[0] for batch in loader] == expected
    for k in range(len(expected)):
        iterator = iter(loader)
        for _ in range(k):
            next(iterator)
        other = getattr(api, item)(path, 1, encoding=encoding)
        other.load_state_dict(loader.state_dict())
        assert [batch[0] for batch in other] == expected[k:]


def test_a_file_in_another_encoding_that_is_cut_while_it_is_read(api, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("word " * 200_000, encoding="utf-16")
    iterator = iter(api.words(path, 100, encoding="utf-16"))
    assert next(iterator) == ["word"] * 100
    os.truncate(path, 200_000)
    with pytest.raises(fastbatch.FormatError, match="a.txt: the file became shorter while it was read"):
        for batch in iterator:
            assert batch == ["word"] * 100


def test_the_words_before_a_wrong_byte_of_another_encoding(api, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("one two three".encode("utf-16-le") + b"\x00\xd8\x41\x00")
    found = []
    with pytest.raises(fastbatch.EncodingError, match="not utf-16-le text"):
        for batch in api.words(path, 1, encoding="utf-16-le"):
            found += batch
    assert found[:2] == ["one", "two"]
