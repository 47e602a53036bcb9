# SPDX-License-Identifier: MIT
"""`fastbatch probe`: the command line of `fastbatch.probe`, as JSON lines."""

from __future__ import annotations

import os
import sys
from json import dumps
from typing import Annotated

from fastbatch.errors import FastbatchError

from . import CommandError
from .bar import Ray, progress_bar
from .options import Argument

EXAMPLES = [
    ("fastbatch probe photos/train", "a folder, and below"),
    ("fastbatch probe 's3://b/*.jpg' --ray auto", "by a Ray cluster"),
]


def run(
    paths: Annotated[list[str], Argument("folders, patterns, tar archives, URLs, or image files", metavar="PATH...")],
    ray: Ray = None,
) -> int:
    """Print size, format, mode and orientation of each image, one JSON document a line, without decoding it.

    The fields are those of `fastbatch.probe`, and `path`. A file that is no image has an `error`.
    """
    from fastbatch.api.verify import open_all
    from fastbatch.native.backend import NativeBackend
    from fastbatch.ray.probe_job import probe_samples

    try:
        samples = open_all(NativeBackend(), paths)
        with progress_bar("probing") as bar:
            found = probe_samples(samples, on="local" if ray is None else "ray", address=ray, progress=bar.move)
    except (OSError, ValueError, TypeError, ImportError, FastbatchError) as error:
        raise CommandError(str(error)) from error
    names = found.dtype.names or ()
    for i, record in enumerate(found):
        fields = {"path": samples.name(i), **dict(zip(names, record.tolist(), strict=True))}
        sys.stdout.write(dumps(fields) + os.linesep)
    return 0
