# SPDX-License-Identifier: MIT
"""The `fastbatch` command. Each subcommand is one file with a function `run`, and one row of `COMMANDS`.

To add a subcommand `fastbatch NAME`:

1. A row in `COMMANDS`.
2. `command/NAME.py`: `run(...) -> int`, which returns the exit code. Its docstring is the help text, its parameters are
   the options: `threads: Annotated[int, Option("worker threads", at_least=1)] = 2` (`command/options.py`). `EXAMPLES`
   lists `(command line, what it does)`. Slow imports belong into functions: `fastbatch --help` imports all these files.
3. A failure that the user can mend is a `CommandError` with one sentence.

Exit codes: 0 done, 1 failed (one sentence on stderr says why), 2 wrong arguments, 130 interrupted. A subcommand with
further ones names them in its help text.
"""

import importlib.util
from dataclasses import dataclass

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


@dataclass(frozen=True)
class Command:
    """A row of `COMMANDS`: the line in `fastbatch --help`, and whether the command works without the extra `cli`."""

    summary: str
    needs_cli: bool = True


COMMANDS = {
    "bench": Command("race fastbatch against the other loaders on this machine"),
    "demo": Command(
        "train on photographs and digits, fed by plain Python and by fastbatch, and compare", needs_cli=False
    ),
    "doctor": Command("run a training script as it is, and say whether and why it waits for data"),
    "preview": Command("draw some samples of a loader, with labels, boxes and masks"),
    "profile": Command("record what the threads of a loader do, as a trace and as a picture"),
    "verify": Command("read all images of a folder, of archives or of a store, and list the damaged ones"),
    "probe": Command("print size, format and mode of each image of a folder, of archives or of a store"),
    "statistics": Command("print mean and standard deviation of the channels of a long array"),
    "index": Command("list the samples of tar archives, so that loaders over them begin at once"),
    "info": Command("say what this installation is made of", needs_cli=False),
}


class CommandError(Exception):
    """The command cannot continue; the message is one sentence for the user."""


def missing(modules: dict[str, str]) -> list[str]:
    """Return the titles of those modules (name to title) that are not installed."""
    return [title for module, title in modules.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def require(extra: str, modules: dict[str, str]) -> None:
    """Raise a `CommandError` that names the extra if one of the modules (name to title) is not installed."""
    if absent := missing(modules):
        raise CommandError(f'{", ".join(absent)} missing here: pip install "fastbatch[{extra}]" brings what is needed')
