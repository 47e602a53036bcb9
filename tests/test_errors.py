# SPDX-License-Identifier: MIT
"""The error classes: their bases, messages and attributes."""

from __future__ import annotations

import pickle

import pytest

from fastbatch.errors import ClosedError, DecodeError, FastbatchError, FormatError, StateError


@pytest.mark.parametrize(
    "error, builtin",
    [(FormatError, ValueError), (DecodeError, ValueError), (StateError, ValueError), (ClosedError, RuntimeError)],
)
def test_errors_are_also_the_builtin_ones(error: type[FastbatchError], builtin: type[Exception]) -> None:
    assert issubclass(error, FastbatchError)
    assert issubclass(error, builtin)
    assert str(error("what")) == "what"


def test_the_message_says_where_what_expected_found() -> None:
    error = DecodeError("JPEG ends early", path="cats/0412.jpg", sample=1821, expected="375 rows", found=212)
    assert str(error) == "cats/0412.jpg: sample 1821: JPEG ends early: expected 375 rows, found 212"
    assert (error.path, error.sample, error.offset) == ("cats/0412.jpg", 1821, None)
    assert (error.expected, error.found) == ("375 rows", "212")
    assert error.message == "JPEG ends early: expected 375 rows, found 212"


def test_a_whole_message_yields_the_same_facts() -> None:
    """The core passes messages as one string."""
    error = FormatError("member x.npy: array ends early: expected 40 bytes, found 36", path=b"a.npz", offset=66)
    assert str(error) == "a.npz: byte 66: member x.npy: array ends early: expected 40 bytes, found 36"
    assert (error.expected, error.found) == ("40 bytes", "36")
    assert (FormatError("no such thing").expected, FormatError("no such thing").found) == (None, None)


def test_paths_need_not_be_text() -> None:
    error = FormatError("what", path=b"caf\xe9.npy")
    assert error.path == "caf\udce9.npy"


@pytest.mark.parametrize("error", [FormatError, DecodeError, StateError, ClosedError])
def test_errors_cross_processes(error: type[FastbatchError]) -> None:
    first = error("what", path="a", sample=3, offset=4, expected=5, found=6)
    second = pickle.loads(pickle.dumps(first))
    assert type(second) is error
    assert str(second) == str(first) == "a: sample 3: byte 4: what: expected 5, found 6"
    assert vars(second) == vars(first)
