# SPDX-License-Identifier: MIT
"""Patterns and lists in braces: the same names for all functions that take files."""

import numpy as np
import pytest
from making_tar import write_tar

X = np.arange(6)


@pytest.fixture
def files(tmp_path):
    """Files `a0` to `a2` and `b` of several formats; returns their folder."""
    for i, name in enumerate(("a0", "a1", "a2", "b")):
        np.save(tmp_path / f"{name}.npy", X + 10 * i)
        (tmp_path / f"{name}.txt").write_text(f"word{i}\n")
        (tmp_path / f"{name}.csv").write_text(f"{i}\n{i}\n")
        write_tar(tmp_path / f"{name}.tar", [(f"s{i}.txt", b"%d" % i)])
    return tmp_path


PATTERNS = {"{a2,b}": [2, 3], "a{0..2}": [0, 1, 2], "a?": [0, 1, 2], "{a1,a?}": [1, 0, 1, 2], "**/a[02]": [0, 2]}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_function_reads_the_same_files(api, files, pattern):
    want = PATTERNS[pattern]
    path = f"{files}/{pattern}"
    first = [batch.tolist()[0] // 10 for batch in api.arrays(f"{path}.npy", batch_size=6)]
    assert first == want
    assert [int(s[0]) // 10 for s in api.series(f"{path}.npy").parts] == want
    assert [word for batch in api.words(f"{path}.txt", 9) for word in batch] == [f"word{i}" for i in want]
    assert [batch[0, 0] for batch in api.arrays(f"{path}.csv", batch_size=2)] == want
    if len(set(want)) == len(want):
        assert [int(text) for batch in api.tar(f"{path}.tar") for text in batch["txt"]] == want


@pytest.mark.parametrize("pattern", ["{c,b}", "b{0..1}", "c*", "{a0,c*}", "{odd}"])
def test_a_file_that_is_not_there(api, files, pattern):
    for call, end in ((api.arrays, "npy"), (api.tar, "tar"), (lambda path: api.words(path, 2), "txt")):
        with pytest.raises(FileNotFoundError):
            next(iter(call(f"{files}/{pattern}.{end}")))


def test_names_with_braces_that_exist(api, files):
    np.save(files / "{a1,b}.npy", X)
    assert next(iter(api.arrays(f"{files}/{{a1,b}}.npy", batch_size=9))).tolist() == X.tolist()
    with pytest.raises(ValueError, match=r"path: expected {first..last} in ascending order, found '{9..1}'"):
        api.arrays(f"{files}/{{9..1}}.npy")
