# SPDX-License-Identifier: MIT
"""The same functions in plain Python, NumPy and Pillow: slow, readable, and the oracle of every test.

Start with `engine.batches`, the core of fastbatch in one function; then `plan` (the order of samples), `array_file`
(the bytes of samples) and `columns` (conversion into the batch). The compiled core is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastbatch.api.names import NAMES as _NAMES
from fastbatch.api.names import public as _public

if TYPE_CHECKING:
    from fastbatch.api.typed import *  # noqa: F403
    from fastbatch.api.typed import __all__ as __all__
else:
    __all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .backend import PureBackend

    globals()[name] = _public(name, PureBackend())
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(_NAMES)
