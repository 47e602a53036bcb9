# SPDX-License-Identifier: MIT
"""`fastbatch statistics`: the command line of `fastbatch.statistics`."""

from __future__ import annotations

from json import dumps
from typing import Annotated

from fastbatch.errors import FastbatchError

from . import CommandError
from .bar import Ray, progress_bar
from .options import Argument, Json, finite

EXAMPLES = [
    ("fastbatch statistics sensors.npy", "of each channel"),
    ("fastbatch statistics s3://b/x.npy --ray auto", "by a Ray cluster"),
]


def run(path: Annotated[str, Argument("a .npy or IDX file, or its URL")], json: Json = False, ray: Ray = None) -> int:
    """Print the mean and the standard deviation of each channel of a long array, for `normalize=` of `windows`."""
    from fastbatch.ray.statistics_job import statistics

    try:
        with progress_bar("reading") as bar:
            found = statistics(path, on="local" if ray is None else "ray", address=ray, progress=bar.move)
    except (OSError, ValueError, TypeError, ImportError, FastbatchError) as error:
        raise CommandError(str(error)) from error
    if json:
        print(dumps(finite({"n": found.n, "mean": found.mean.tolist(), "std": found.std.tolist()})))
    else:
        print(f"{path}: {found.n:,} rows\nmean {found.mean.tolist()}\nstd  {found.std.tolist()}")
    return 0
