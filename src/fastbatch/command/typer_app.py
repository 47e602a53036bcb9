# SPDX-License-Identifier: MIT
"""The command line as a Typer application: help with colours, completion of shells, and the same options for all."""
# Typer evaluates annotations: `from __future__ import annotations` would hide local names from it.

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from . import COMMANDS
from .options import Argument, Parameter, Run, parameters, read


def application(
    version: str, loaded: dict[str, tuple[Run, str]], start: Callable[[str, Run, dict[str, Any]], int]
) -> typer.Typer:
    """Return an application with these subcommands.

    Args:
        version: The answer to `--version`.
        loaded: Subcommands by name: the function and its examples.
        start: Called with the name, the function and its arguments; returns the exit code.
    """
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="rich")

    def say_version(wanted: bool) -> None:
        if wanted:
            typer.echo(version)
            raise typer.Exit

    def root(
        version: Annotated[
            bool, typer.Option("--version", help="print the version", callback=say_version, is_eager=True)
        ] = False,
    ) -> None:
        pass

    app.callback(help="Batches of training data from the files you have.")(root)
    for name, (run, shown) in loaded.items():
        about = COMMANDS[name].summary
        app.command(name, help=_help(run, shown), short_help=about)(_command(name, run, start))
    return app


def _help(run: Run, shown: str) -> str:
    # Line breaks are kept, and brackets are markup.
    paragraphs = (inspect.getdoc(run) or "").split("\n\n")
    text = "\n\n".join([*(one.replace("\n", " ") for one in paragraphs), shown])
    return text.replace("[", r"\[")


def _command(name: str, run: Run, start: Callable[[str, Run, dict[str, Any]], int]) -> Callable[..., None]:
    """Return the function that Typer calls; its signature has the parameters of `run` in Typer's terms."""

    def command(**values: Any) -> None:
        raise typer.Exit(start(name, run, values))

    declared = [
        inspect.Parameter(
            parameter.name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default, annotation=_annotation(parameter)
        )
        for parameter in parameters(run)
    ]
    command.__signature__ = inspect.Signature(declared)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in declared}
    return command


def _annotation(parameter: Parameter) -> Any:
    shown = parameter.shown
    kind: Any = parameter.type if parameter.default is not None else parameter.type | None
    if isinstance(shown, Argument):
        return Annotated[kind, typer.Argument(help=shown.help, metavar=shown.metavar, show_default=False)]
    parser, completion = _parser(parameter), None
    if shown.choices:
        completion = lambda: list(shown.choices)  # noqa: E731
    return Annotated[
        kind,
        typer.Option(
            parameter.flag,
            help=shown.help,
            metavar=shown.metavar or "|".join(shown.choices) or None,
            show_default=parameter.type is not bool and parameter.default is not None,
            parser=parser,
            autocompletion=completion,
        ),
    ]


def _parser(parameter: Parameter) -> Callable[[Any], Any] | None:
    """Return the function that reads a value and says what was expected; None for Typer's own."""

    def parse(text: Any) -> Any:
        try:
            return read(text, parameter)
        except ValueError as error:
            raise typer.BadParameter(error.args[0]) from None

    return None if parameter.type in (bool, Path) else parse
