# SPDX-License-Identifier: MIT
"""Options and arguments of subcommands: declared once, in the annotations of a function's parameters.

`command/typer_app.py` makes a Typer command of such a function, `command/plain.py` an argparse parser for those that
work without Typer. Parameters may be `bool` (a flag), `int`, `float`, `str` or `Path`, each also with `| None`, and
`list[str]` (an argument that takes all remaining words).
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastbatch.checks import shown

MOST = 2**63 - 1  # of whole numbers

# A subcommand: its parameters are its options, its result is the exit code.
Run = Callable[..., int]


@dataclass(frozen=True)
class Option:
    """An option: `--name VALUE`, or a flag.

    Attributes:
        help: What it does, lower case, without a full stop.
        metavar: The word for its value in the help text.
        at_least: The smallest number that is accepted.
        choices: The texts that are accepted; empty for any.
    """

    help: str
    metavar: str | None = None
    at_least: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Argument:
    """A positional argument; required unless the parameter has a default."""

    help: str
    metavar: str | None = None


# For every subcommand with `--json`.
Json = Annotated[bool, Option("print the result as JSON, and nothing else on standard output")]


def finite(value: Any) -> Any:
    """Return a value for JSON, which has no NaN and no infinity: null in their place."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Parameter:
    """A parameter of a subcommand: its name, its type without `| None`, its default, and its declaration."""

    name: str
    type: type
    default: Any  # `inspect.Parameter.empty` if it is required
    shown: Option | Argument

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def takes_rest(self) -> bool:
        return typing.get_origin(self.type) is list


def parameters(run: Run) -> list[Parameter]:
    """Return the parameters of a subcommand, in the order of its signature."""
    hints = typing.get_type_hints(run, include_extras=True)
    found = []
    for name, parameter in inspect.signature(run).parameters.items():
        hint = hints[name]
        if typing.get_origin(hint) is not Annotated:  # Python 3.10 adds `| None` where the default is None
            hint = next(one for one in typing.get_args(hint) if typing.get_origin(one) is Annotated)
        kind, shown = typing.get_args(hint)
        if typing.get_origin(kind) in (types.UnionType, typing.Union):
            kind = next(one for one in typing.get_args(kind) if one is not type(None))
        found.append(Parameter(name, kind, parameter.default, shown))
    return found


def read(text: str | float, parameter: Parameter) -> Any:
    """Return the value of an option. `ValueError` says what was expected.

    Args:
        text: What was given, or the default.
    """
    declared = parameter.shown
    if not isinstance(declared, Option) or parameter.type not in (int, float):
        if isinstance(declared, Option) and declared.choices and text not in declared.choices:
            raise ValueError(f"expected one of {', '.join(declared.choices)}, found {shown(text)}")
        return parameter.type(text)
    kind = "a whole number" if parameter.type is int else "a number"
    try:
        value = parameter.type(text)
    except ValueError:
        raise ValueError(f"expected {kind}, found {shown(text)}") from None
    least = -MOST if declared.at_least is None else declared.at_least
    if not least <= value <= MOST:
        raise ValueError(f"expected {kind} of at least {least}, found {shown(value)}")
    return value
