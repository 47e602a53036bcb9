# SPDX-License-Identifier: MIT
"""`fastbatch doctor`: the command line of `fastbatch.doctor`."""

from __future__ import annotations

import re
import sys
from json import dumps
from pathlib import Path
from typing import Annotated

from . import CommandError
from .options import Argument, Json, Option

EXAMPLES = [
    ("fastbatch doctor -- python train.py", "why does it wait?"),
    ("fastbatch doctor --html a.html -- python train.py", "and as a page"),
    ("fastbatch doctor mymodule:make_loader", "a loader alone"),
]
_LOADER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def run(
    command: Annotated[list[str], Argument("the command after `--`, or module:loader", metavar="COMMAND")],
    html: Annotated[Path | None, Option("write the report as one HTML file, too", metavar="FILE")] = None,
    compare: Annotated[
        int, Option("seconds to run fastbatch's loaders beside the script's, after it has ended; 0: do not", at_least=0)
    ] = 10,
    seconds: Annotated[int, Option("seconds to take batches of module:loader", at_least=1)] = 10,
    json: Json = False,
) -> int:
    """Run a training script as it is, and say whether and why it waits for data.

    Recognises the loaders of PyTorch, Keras, tf.data and fastbatch, and generators in the script's own loops. Where
    fastbatch has the same loader, both make batches side by side: they are compared first, then timed.

    The report goes to standard error, and the script's output is its own. The exit code is that of the script.
    """
    from fastbatch.doctor import page, report
    from fastbatch.doctor.verdict import diagnose
    from fastbatch.doctor.watch import watch, watch_loader

    if not command:
        raise CommandError("expected a command after `--`, such as `fastbatch doctor -- python train.py`")
    if html is not None and not html.absolute().parent.is_dir():
        raise CommandError(f"--html: {html.absolute().parent} is not a folder")
    try:
        if len(command) == 1 and _LOADER.fullmatch(command[0]):
            observed = watch_loader(command[0], duration_s=seconds, compare_s=compare)
        else:
            observed = watch(command, compare_s=compare)
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror}") from error
    diagnosis = diagnose(observed)
    if html is not None:
        html.write_text(page.page(diagnosis), encoding="utf-8")
    if json:
        print(dumps(report.as_json(diagnosis), indent=2))
    else:
        from rich.console import Console

        console = Console(stderr=True, highlight=False)
        report.show(diagnosis, console)
        if html is not None:
            console.print(f"Report: {html}", markup=False, soft_wrap=True)
    sys.stdout.flush()
    return observed.exit_code
