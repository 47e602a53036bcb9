# SPDX-License-Identifier: MIT
"""Objects in stores as arrays: copied whole to a temporary file, which is read like any other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from fastbatch.errors import FormatError
from fastbatch.source.remote.fetcher import fetcher
from fastbatch.source.remote.samples import read_range
from fastbatch.source.remote.settings import BLOCK_BYTES


def from_copy(url: str, function: Callable[[str], Any]) -> Any:
    """Return the result of a function of a file, for a copy of an object. Its mappings stay valid.

    Raises:
        OSError, FormatError: As the function, with the URL for the path.
    """
    one = fetcher().head(url)
    with tempfile.NamedTemporaryFile() as file:
        for offset in range(0, one.size, BLOCK_BYTES):
            file.write(read_range(one, offset, min(BLOCK_BYTES, one.size - offset)))
        file.flush()
        try:
            return function(file.name)
        except FormatError as error:
            raise FormatError(error.message, path=one.name, offset=error.offset) from None
