# SPDX-License-Identifier: MIT
"""`fastbatch preview`: the command line of `loader.preview()`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastbatch.checks import n_of

from . import CommandError
from .loaders import load
from .options import Argument, Option

EXAMPLES = [
    ("fastbatch preview train:loader", "`loader` of train.py"),
    ("fastbatch preview train:make --out p.png", "of make(): a picture"),
    ("fastbatch preview photos/train --out p.html", "a folder of images"),
]


def run(
    loader: Annotated[
        str,
        Argument("module:name or script.py:name of a loader, or of a function that returns one; or a folder of images"),
    ],
    out: Annotated[Path | None, Option("a picture (.png, .svg, .pdf) or a page (.html)", metavar="FILE")] = None,
    n: Annotated[int, Option("samples", metavar="N", at_least=1)] = 8,
) -> int:
    """Draw or list some samples of a loader.

    Images are drawn with labels, masks, boxes and points, before and after random changes; windows as small plots;
    text, tokens and numbers as a table. Without --out, a table is printed.
    """
    made = load(loader)
    try:
        shown = made.preview(n)
        if out is None:
            print(shown)
        else:
            shown.save(out)
            print(f"{out}: {n_of(shown.n, 'sample')} of {made!r}")
    except (TypeError, ValueError, ImportError, OSError) as error:
        raise CommandError(str(error)) from error
    return 0
