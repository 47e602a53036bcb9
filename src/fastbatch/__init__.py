# SPDX-License-Identifier: MIT
"""fastbatch: a fast data loader for training.

    import fastbatch as fb

    train = fb.images("photos/train", size=224, flip=True, batch_size=64, shuffle=True, seed=1)
    for epoch in range(3):
        for x, y in train:      # float32 (64, 3, 224, 224), int64 (64,)
            ...

`fastbatch.pure` has the same functions in plain Python: slow, readable, and byte-identical.
"""

from __future__ import annotations

import os as _os
import sys as _sys
import warnings as _warnings
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING
from typing import Any as _Any

from .api.names import NAMES as _NAMES
from .api.names import public as _public

if TYPE_CHECKING:
    from .api.typed import *  # noqa: F403
    from .api.typed import __all__ as __all__
else:
    __all__ = list(_NAMES)

__version__ = "0.1.0"

_MISSING = ""  # why the compiled core is missing
try:
    from ._core import narrow_targets as _narrow_targets
except ImportError as _error:
    if not isinstance(_error.__cause__, (Exception, type(None))):
        raise _error.__cause__  # noqa: B904  # Ctrl-C while the core starts, of which pybind11 makes an ImportError
    _MISSING = (
        f"fastbatch's compiled core cannot be loaded ({_error}). In a checkout, `./dev setup` builds it; "
        "elsewhere, `pip install --force-reinstall fastbatch` installs it."
    )
    _warnings.warn(_MISSING, RuntimeWarning, stacklevel=2)  # not an error: `fastbatch.pure` works without the core
else:
    _narrow_targets(_os.environ.get("FASTBATCH_SIMD", ""))  # ValueError for an unknown name


def __getattr__(name: str) -> _Any:
    """Import a public name on first use."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _MISSING:
        raise ImportError(f"{_MISSING} Without it, `fastbatch.pure` has the same functions.")
    from .native.backend import NativeBackend

    globals()[name] = _public(name, NativeBackend())
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*_NAMES, *_MODULES, "__version__"])


_MODULES = ("keras", "numba", "pure", "ray", "torch")  # the public modules


class _Package(_ModuleType):
    """Keeps internal modules from becoming attributes: module `decode` would hide function `fastbatch.decode`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not isinstance(value, _ModuleType) or name in (*_MODULES, "_core"):
            super().__setattr__(name, value)


_sys.modules[__name__].__class__ = _Package
globals().pop("api", None)  # bound by the imports above, before the class was set; not if an import was interrupted
