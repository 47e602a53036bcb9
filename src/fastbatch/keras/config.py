# SPDX-License-Identifier: MIT
"""Keras's settings: read from Keras if the user has imported it, else from Keras's configuration file."""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import cache
from typing import Any

from fastbatch.checks import shown

FLOATX = ("float16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")


def imported(name: str) -> Any:
    """Return a module if the user has imported it, else None; never imports it."""
    return sys.modules.get(name)


def floatx() -> str:
    """Return the name of the default float type, as `keras.config.floatx()`."""
    return _setting("floatx", FLOATX, "float32")


def image_data_format() -> str:
    """Return the default data format, as `keras.config.image_data_format()`."""
    return _setting("image_data_format", DATA_FORMATS, "channels_last")


def standardize_data_format(data_format: str | None) -> str:
    """Return a checked data format; None means the default one.

    Raises:
        ValueError: There is no such format.
    """
    if data_format is None:
        return image_data_format()
    name = str(data_format).lower()
    if name not in DATA_FORMATS:
        raise ValueError(f"data_format: expected 'channels_first' or 'channels_last', found {shown(data_format)}")
    return name


def say(message: str) -> None:
    """Print a line, or log it if the user turned Keras's interactive logging off."""
    settings = getattr(imported("keras"), "config", None)
    is_interactive = getattr(settings, "is_interactive_logging_enabled", None)
    if is_interactive is None or is_interactive():
        print(message, flush=True)
    else:
        logging.getLogger("absl").info(message)


def _setting(name: str, allowed: tuple[str, ...], default: str) -> str:
    ask = getattr(getattr(imported("keras"), "backend", None), name, None)
    if ask is not None:
        return str(ask())
    value = _file().get(name, default)
    if value not in allowed:
        raise ValueError(f"keras.json: {name}: expected one of {', '.join(allowed)}, found {shown(value)}")
    return str(value)


@cache
def _file() -> dict[str, Any]:
    folder = os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
    try:
        with open(os.path.join(folder, "keras.json"), encoding="utf-8") as file:
            settings = json.load(file)
    except (OSError, ValueError):  # missing, or unreadable for Keras too
        return {}
    return settings if isinstance(settings, dict) else {}
