# SPDX-License-Identifier: MIT
"""`fastbatch profile`: the command line of `loader.profile()`."""

from __future__ import annotations

import time
from json import dumps
from pathlib import Path
from typing import Annotated

from . import CommandError
from .loaders import load
from .options import Argument, Json, Option, finite

EXAMPLES = [
    ("fastbatch profile train:loader", "of train.py"),
    ("fastbatch profile train:loader --trace trace.json", "for ui.perfetto.dev"),
    ("fastbatch profile photos/train --png p.png --work 20", "20 ms a step"),
]


def run(
    loader: Annotated[
        str,
        Argument("module:name or script.py:name of a loader, or of a function that returns one; or a folder of images"),
    ],
    seconds: Annotated[
        int, Option("seconds to take batches, over as many epochs as needed", metavar="N", at_least=1)
    ] = 5,
    work: Annotated[int, Option("milliseconds of work on each batch, as if training", metavar="MS", at_least=0)] = 0,
    trace: Annotated[Path | None, Option("write a trace for ui.perfetto.dev", metavar="FILE")] = None,
    png: Annotated[Path | None, Option("write a picture of the threads", metavar="FILE")] = None,
    json: Json = False,
) -> int:
    """Record what the threads of a loader do: shares by stage, the queue, page faults, the slowest files.

    Batches are taken as fast as they come, or with --work between them. In a script of your own, use
    `with loader.profile() as profile:` around the loop.
    """
    made = load(loader)
    for path, suffix in ((trace, ".json"), (png, ".png")):
        if path is not None and path.suffix.lower() != suffix:
            raise CommandError(f"expected a name that ends in {suffix}, found {path}")
    end = time.monotonic() + seconds
    with made.profile() as profile:
        while time.monotonic() < end:
            is_empty = True
            for _ in made:
                is_empty = False
                if work:
                    time.sleep(work / 1e3)
                if time.monotonic() >= end:
                    break
            if is_empty:
                raise CommandError("the loader has no batches")
    try:
        for path in (trace, png):
            if path is not None:
                profile.save(path)
    except (ImportError, OSError) as error:
        raise CommandError(str(error)) from error
    print(dumps(finite(profile.summary()), indent=2) if json else repr(profile))
    return 0
