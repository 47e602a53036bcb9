# SPDX-License-Identifier: MIT
"""`fastbatch verify`: the command line of `fastbatch.verify`, with a progress bar, and a report also after Ctrl-C."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from fastbatch.api.verify import checked, open_all, verify_parts
from fastbatch.decode.verification import joined
from fastbatch.errors import FastbatchError
from fastbatch.source.remote.urls import as_url, shown_url

from . import EXIT_FAILED, EXIT_INTERRUPTED, CommandError
from .bar import Ray, progress_bar
from .options import Argument, Option

EXAMPLES = [
    ("fastbatch verify photos/train", "a folder, and below"),
    ("fastbatch verify 's3://b/*.jpg' --json bad.json", "in a store"),
    ("fastbatch verify s3://b/photos --ray auto", "by a Ray cluster"),
]


def run(
    paths: Annotated[list[str], Argument("folders, patterns, tar archives, URLs, or image files", metavar="PATH...")],
    json: Annotated[Path | None, Option("write the report to this file, as JSON", metavar="FILE")] = None,
    threads: Annotated[int | None, Option("threads that read", metavar="N", at_least=1)] = None,
    quiet: Annotated[bool, Option("print the bad files and nothing else")] = False,
    ray: Ray = None,
) -> int:
    """Read each image whole, and list those that are damaged: those for which `fastbatch.decode` would fail.

    One line for each bad file goes to standard output as soon as it is found. The exit code is 1 if any file is bad.
    Ctrl-C ends with a report of the files that were read until then, and the exit code 130.
    """
    from fastbatch.native.backend import NativeBackend

    backend = NativeBackend()
    n_threads, limit = checked(threads, None)
    if json is not None and not json.absolute().parent.is_dir():  # before the work of hours, not after it
        raise CommandError(f"--json {json}: there is no folder {json.absolute().parent}")
    try:
        samples = open_all(backend, paths)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise CommandError(str(error)) from error
    if ray is None:
        source = verify_parts(backend, samples, n_threads, limit)
    else:
        from fastbatch.ray.verify_job import verify_parts as verify_by_ray

        source = verify_by_ray(samples, on="ray", address=ray)
    start, parts, is_complete = time.monotonic(), [], True
    n_done = n_bad = 0
    try:
        with progress_bar("verifying", not quiet) as bar:
            for part in source:
                parts.append(part)
                n_done, n_bad = n_done + part.n_files, n_bad + len(part.bad)
                bar.print(list(map(str, part.bad)))
                bar.move(n_done, len(samples), f"{n_bad:,} bad" if n_bad else "")
    except KeyboardInterrupt:
        is_complete = False
    except (ImportError, ConnectionError, FastbatchError) as error:  # of Ray
        raise CommandError(str(error)) from error
    found = joined(parts, time.monotonic() - start, is_complete)
    if not quiet:
        print(
            f"{', '.join(shown_url(path) if as_url(path) else path for path in paths)}: {found.summary()}",
            file=sys.stderr,
        )
    if json is not None:
        try:
            found.save(json)
        except OSError as error:
            raise CommandError(str(error)) from error
    return EXIT_INTERRUPTED if not is_complete else EXIT_FAILED if found.bad else 0
