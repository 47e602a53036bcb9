# SPDX-License-Identifier: MIT
"""Parsing of the command line without Typer, for the subcommands that work without the extra `cli`."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from typing import Any

from . import COMMANDS
from .options import Argument, Parameter, Run, parameters, read


def parse(arguments: list[str], version: str, loaded: dict[str, tuple[Run, str]]) -> tuple[str, dict[str, Any]]:
    """Return the name of the subcommand and the values of its parameters.

    Args:
        arguments: The command line without the name of the program.
        version: The answer to `--version`.
        loaded: Subcommands by name: the function and its examples.

    Raises:
        SystemExit: As argparse does after `--help`, `--version` and wrong arguments.
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="fastbatch", description="Batches of training data from the files you have.")
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (run, shown) in loaded.items():
        one = commands.add_parser(
            name, help=COMMANDS[name].summary, description=inspect.getdoc(run), epilog=shown, formatter_class=raw
        )
        for parameter in parameters(run):
            _add(one, parameter)
    values = vars(parser.parse_args(arguments))
    return values.pop("command"), values


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    shown = parameter.shown
    if isinstance(shown, Argument):
        many: dict[str, Any] = {"nargs": "*"} if parameter.takes_rest else {}
        parser.add_argument(parameter.name, help=shown.help, metavar=shown.metavar, **many)
    elif parameter.type is bool:
        parser.add_argument(parameter.flag, dest=parameter.name, action="store_true", help=shown.help)
    else:
        parser.add_argument(
            parameter.flag,
            dest=parameter.name,
            type=_parser(parameter),
            default=parameter.default,
            required=parameter.is_required,
            metavar=shown.metavar or "|".join(shown.choices) or None,
            help=shown.help + ("" if parameter.default is None else " (%(default)s)"),
        )


def _parser(parameter: Parameter) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return read(text, parameter)
        except ValueError as error:
            raise argparse.ArgumentTypeError(error) from None

    return parse
