# SPDX-License-Identifier: MIT
"""The entry point of the `fastbatch` command; `fastbatch.command` lists the subcommands and the exit codes."""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import fastbatch
from fastbatch.errors import FastbatchError

from . import COMMANDS, EXIT_FAILED, EXIT_INTERRUPTED, CommandError
from .options import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # folder names may be invalid text
    try:
        return _with_typer(words) if importlib.util.find_spec("typer") else _without_typer(words)
    except SystemExit as end:  # after --help, --version and wrong arguments
        return end.code if isinstance(end.code, int) else EXIT_FAILED if end.code else 0


def _with_typer(words: list[str]) -> int:
    from .typer_app import application

    # Only the module of the wanted subcommand is imported; all of them for help, completion and misspelt names.
    names = [words[0]] if words and words[0] in COMMANDS else list(COMMANDS)
    application(_version(), {name: _load(name) for name in names}, start)(words, prog_name="fastbatch")
    return 0


def _without_typer(words: list[str]) -> int:
    from .plain import parse

    if words and words[0] in COMMANDS and COMMANDS[words[0]].needs_cli:
        print(
            f'fastbatch {words[0]}: Typer missing here: pip install "fastbatch[cli]" brings what is needed',
            file=sys.stderr,
        )
        return EXIT_FAILED
    loaded = {name: _load(name) for name, command in COMMANDS.items() if not command.needs_cli}
    name, values = parse(words, _version(), loaded)
    return start(name, loaded[name][0], values)


def start(name: str, run: Run, values: dict[str, Any]) -> int:
    """Run a subcommand and return its exit code. Errors become one sentence on stderr."""
    try:
        code = run(**values)
        _flush()
        return code
    except BrokenPipeError:  # the reader of the output has exited, as in `fastbatch demo | head -1`
        _drop_output()
        return EXIT_FAILED
    except (CommandError, FastbatchError, OSError) as error:
        print(f"fastbatch {name}: {error}", file=sys.stderr)
        try:
            _flush()
        except OSError:  # the disk is full: the interpreter's flush would fail too
            _drop_output()
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(f"\nfastbatch {name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _load(name: str) -> tuple[Run, str]:
    """Return a subcommand's function and the text of its examples."""
    module = importlib.import_module(f"fastbatch.command.{name}")
    examples: list[tuple[str, str]] = module.EXAMPLES
    width = max(len(line) for line, _ in examples)
    return module.run, "\n".join(["Examples:", *(f"  {line:<{width}}   # {what}" for line, what in examples)])


def _version() -> str:
    return f"fastbatch {fastbatch.__version__}"
