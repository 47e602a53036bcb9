# SPDX-License-Identifier: MIT
"""`fastbatch index`: lists the samples of tar archives, and keeps the lists."""

from __future__ import annotations

import sys
from typing import Annotated

from fastbatch.errors import FastbatchError

from . import EXIT_FAILED, CommandError
from .bar import Ray, progress_bar
from .options import Argument

EXAMPLES = [
    ("fastbatch index 'shards/*.tar'", "fb.tar() then begins at once"),
    ("fastbatch index 's/{00..99}.tar' --ray auto", "by a Ray cluster"),
]


def run(
    paths: Annotated[list[str], Argument("tar archives, or patterns of them", metavar="PATH...")], ray: Ray = None
) -> int:
    """List the samples of tar archives, so that `fb.tar` and `fb.images` need not read the headers of their members.

    The lists are kept in the user's folder of caches. The exit code is 1 if an archive cannot be read.
    """
    from fastbatch.ray.index_job import index

    try:
        with progress_bar("listing") as bar:
            found = index(paths, on="local" if ray is None else "ray", address=ray, progress=bar.move)
    except (OSError, ValueError, TypeError, ImportError, FastbatchError) as error:
        raise CommandError(str(error)) from error
    for one in found:
        if one.error is None:
            print(f"{one.path}: {one.n_samples:,} samples, {one.n_bytes / 1e6:,.1f} MB")
        else:
            print(f"{one.path}: {one.error}", file=sys.stderr)
    return EXIT_FAILED if any(one.error for one in found) else 0
