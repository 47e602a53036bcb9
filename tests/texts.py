# SPDX-License-Identifier: MIT
"""Helpers for the tests of words and lines."""

import itertools

from hypothesis import strategies as st

# Read sizes, in bytes; small ones put a block's border at every place.
READ_SIZES = st.sampled_from([1, 2, 3, 5, 16, 64, 4096])


def write(folder, data, name="text.txt"):
    """Write bytes, or text in UTF-8, into a file and return its path."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    return path


def flat(batches):
    """Return the items of all batches."""
    return list(itertools.chain.from_iterable(batches))


def in_batches(items, size):
    """Return a list cut into lists of `size`; the last may be shorter."""
    return [items[i : i + size] for i in range(0, len(items), size)]
