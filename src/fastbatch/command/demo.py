# SPDX-License-Identifier: MIT
"""`fastbatch demo`: the command line of `fastbatch.demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from .options import Option

EXAMPLES = [
    ("fastbatch demo", "one to two minutes on two CPUs"),
    ("fastbatch demo --images ~/photos", "your own: one sub-folder a class"),
    ("fastbatch demo --quick", "seconds, with rough figures"),
]


def run(
    images: Annotated[
        Path | None, Option("your own images, one sub-folder a class (default: made once)", metavar="DIR")
    ] = None,
    out: Annotated[Path, Option("where the pictures go", metavar="DIR")] = Path("fastbatch-demo"),
    epochs: Annotated[int, Option("epochs to train", metavar="N", at_least=1)] = 3,
    photos: Annotated[
        int | None,
        Option(
            "photographs to make, or to use of your own folder (default: 3000; of your own: all)",
            metavar="N",
            at_least=1,
        ),
    ] = None,
    threads: Annotated[int | None, Option("worker threads (default: one per CPU)", metavar="N", at_least=1)] = None,
    seed: Annotated[int, Option("seed of everything random", metavar="N", at_least=0)] = 0,
    quick: Annotated[bool, Option("a few dozen photographs: seconds, and rough figures")] = False,
) -> int:
    """Train on photographs and digits, fed by plain Python and by fastbatch.

    Trains a small classifier on photographs and on handwritten digits, once fed by plain Python and once by fastbatch;
    compares the batches, prints a table and saves two pictures.
    """
    from fastbatch.demo import require_extras

    require_extras()
    from fastbatch.demo.run import Options, run_demo

    options = Options(images=images, out=out, epochs=epochs, photos=photos, threads=threads, seed=seed, quick=quick)
    return 0 if run_demo(options) else 1
