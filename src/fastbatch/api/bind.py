# SPDX-License-Identifier: MIT
"""Public functions of `fastbatch` and `fastbatch.pure`: functions of `api/` bound to a backend."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from fastbatch.calls import check_call, signature_of

from .backend import Backend

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def bind(backend: Backend, function: Callable[Concatenate[Backend, P], R]) -> Callable[P, R]:
    """Return `function` without its first parameter, the backend.

    The result is a plain function that can be pickled. It has the name, the docstring and the whole signature, for
    `help()`, completion and type checkers. Errors of wrong calls name the public function.
    """
    return _public(functools.partial(function, backend), function, signature_of(function, skip=1), backend.name)


def explain(function: Callable[P, R], module: str) -> Callable[P, R]:
    """Return a function without a backend as a public function of a package: see `bind`."""
    return _public(function, function, signature_of(function), module)


def _public(
    call: Callable[..., R], function: Callable[..., R], signature: inspect.Signature, module: str
) -> Callable[..., R]:
    name = function.__name__
    is_checked_first = hasattr(function, "__options__")  # Python itself does not know the names behind `**options`

    def public(*arguments: Any, **options: Any) -> R:
        try:
            if is_checked_first:
                signature.bind(*arguments, **options)
            return call(*arguments, **options)
        except TypeError:  # of the call, or from inside
            check_call(name, signature, arguments, options)
            raise

    functools.update_wrapper(public, function)
    attributes = {"__module__": module, "__qualname__": name, "__signature__": signature}
    public.__dict__.pop("__wrapped__")
    for attribute, value in attributes.items():
        setattr(public, attribute, value)
    return public


def bind_class(backend: Backend, cls: C) -> C:
    """Return a subclass whose instances use this backend, with the name and the docstring of the class."""
    attributes = {"_backend": backend, "__module__": backend.name, "__doc__": cls.__doc__, "__qualname__": cls.__name__}
    made: Any = type(cls)(cls.__name__, (cls,), attributes)
    return made  # type: ignore[no-any-return]
