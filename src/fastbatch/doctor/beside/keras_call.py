# SPDX-License-Identifier: MIT
"""A call of Keras's that made batches of files or arrays, beside the same call of `fastbatch.keras`."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

from .race import SEED, race

_FITTED = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")


def compare(call: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the comparison of a call, as the agent noted it."""
    import fastbatch.keras

    name = call["name"]
    found: dict[str, Any] = {"theirs": f"keras {name}", "ours": f"fastbatch.keras.{name.partition('.')[0]}"}
    options = dict(call["options"])
    if call["maker"] is not None:
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        arguments, settings = call["maker"]
        if any(settings.get(name) for name in _FITTED):
            return {**found, "problem": "its statistics were fitted to data; not compared"}
        method = name.partition(".")[2]
        theirs = getattr(ImageDataGenerator(*arguments, **settings), method)
        ours = getattr(fastbatch.keras.ImageDataGenerator(*arguments, **settings), method)
    else:
        import keras

        theirs, ours = getattr(keras.utils, name), getattr(fastbatch.keras, name)
        if "seed" in inspect.signature(theirs).parameters and options.get("seed") is None:
            options["seed"] = SEED
    return {
        **found,
        **race(
            lambda: _pass(theirs(*call["arguments"], **options)),
            lambda: _pass(ours(*call["arguments"], **options)),
            seconds,
        ),
    }


def _pass(made: Any) -> Iterator[Any]:
    """Return one pass over a loader; Keras's image iterators are endless."""
    if isinstance(made, tuple):
        made = made[0]  # subset="both"
    return itertools.islice(iter(made), len(made))
