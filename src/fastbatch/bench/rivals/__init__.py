# SPDX-License-Identifier: MIT
"""One adapter per library: the contestant `module` or `module-variant` is that module's `open_feed(variant, job)`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from importlib import metadata

from fastbatch.bench.job import Feed, Job, Skipped

# module -> the distributions that it imports
DISTRIBUTIONS = {
    "fastbatch": {"fastbatch": "fastbatch"},
    "pure": {"fastbatch": "fastbatch"},
    "numpy": {"numpy": "numpy", "PIL": "pillow"},
    "torch": {"torch": "torch", "PIL": "pillow"},
    "tf": {"tensorflow": "tensorflow"},
    "grain": {"grain": "grain", "PIL": "pillow"},
    "torchvision": {"torch": "torch"},
    "simplejpeg": {"simplejpeg": "simplejpeg", "PIL": "pillow"},
    "spdl": {"spdl.io": "spdl", "spdl.pipeline": "spdl"},
    "dali": {"nvidia.dali": "nvidia-dali-cuda120"},
    "ffcv": {"ffcv": "ffcv", "torch": "torch", "PIL": "pillow"},
    "webdataset": {"webdataset": "webdataset", "torch": "torch", "PIL": "pillow"},
    "datasets": {"datasets": "datasets", "torch": "torch", "PIL": "pillow"},
}


def need(module: str) -> None:
    """Import a package, or raise Skipped with a sentence that says why the contestant is left out."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name.partition(".")[0]):
            raise Skipped(f"{error.name} is not installed") from None
        raise Skipped(f"{module} does not import: {error}") from None
    except ImportError as error:
        raise Skipped(f"{module} does not import: {error}".splitlines()[0]) from None


def find(name: str) -> Callable[[Job], Feed]:
    """Return the function that opens the contestant `name`."""
    library, _, variant = name.partition("-")
    for module in DISTRIBUTIONS[library]:
        need(module)
    return partial(importlib.import_module(f"fastbatch.bench.rivals.{library}").open_feed, variant)


def versions(name: str) -> dict[str, str]:
    """Return the versions of the contestant's libraries."""
    wanted = {"numpy", *DISTRIBUTIONS[name.partition("-")[0]].values()}
    return {
        one.name: one.version for one in metadata.distributions() if one.name.removesuffix("-cpu").lower() in wanted
    }
