# SPDX-License-Identifier: MIT
"""The `fastbatch` command: `demo` and `info`.

Exit codes: 0 done, 1 failed (one sentence on stderr says why), 2 wrong arguments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import fastbatch

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # folder names may be invalid text
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print(f"\nfastbatch {options.command}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has exited, as in `fastbatch demo | head -1`; the interpreter's flush would fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _demo(options: argparse.Namespace) -> int:
    from fastbatch.demo import DemoError, require_extras

    try:
        require_extras()
        from fastbatch.demo.run import Options, run_demo

        chosen = {name: getattr(options, name) for name in Options.__dataclass_fields__}
        return 0 if run_demo(Options(**chosen)) else 1
    except DemoError as error:
        print(f"fastbatch demo: {error}", file=sys.stderr)
        return 1


def _info(_: argparse.Namespace) -> int:
    from .info import facts

    for name, value in facts().items():
        print(f"{name:<12} {value}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastbatch", description="Batches of training data from the files you have.")
    parser.add_argument("--version", action="version", version=f"fastbatch {fastbatch.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="train on photographs and digits, fed by plain Python and by fastbatch, and compare",
        description="Train a small classifier on photographs and on handwritten digits, once fed by plain Python "
        "and once by fastbatch; compare the batches, print a table and save two pictures.",
    )
    demo.add_argument(
        "--images", type=Path, metavar="DIR", help="your own images, one sub-folder a class (default: made once)"
    )
    demo.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("fastbatch-demo"), help="where the pictures go (%(default)s)"
    )
    demo.add_argument("--epochs", type=_at_least(1), metavar="N", default=3, help="epochs to train (%(default)s)")
    demo.add_argument(
        "--photos",
        type=_at_least(1),
        metavar="N",
        help="photographs to make, or to use of your own folder (default: 3000; of your own: all)",
    )
    demo.add_argument("--threads", type=_at_least(1), metavar="N", help="worker threads (default: one per CPU)")
    demo.add_argument("--seed", type=_at_least(0), metavar="N", default=0, help="of everything random (%(default)s)")
    demo.add_argument("--quick", action="store_true", help="a few dozen photographs: seconds, and rough figures")
    demo.set_defaults(run=_demo)

    info = commands.add_parser("info", help="say what this installation is made of")
    info.set_defaults(run=_info)
    return parser


def _at_least(minimum: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a whole number, found {text!r}") from None
        if not minimum <= value < 2**63:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}, found {value}")
        return value

    return integer
