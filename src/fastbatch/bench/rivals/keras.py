# SPDX-License-Identifier: MIT
"""Keras's own image generators and dataset functions, with as few of Keras's dependencies as possible."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fastbatch.bench.job import Skipped

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def images() -> ModuleType:
    """Return Keras's module of image generators; its backend computes nothing here."""
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = _import("keras.src.legacy.preprocessing.image")
        _import("scipy.ndimage").interpolation.affine_transform  # noqa: B018 - warns once that it moved
    return module


def timeseries() -> Callable[..., Any]:
    """Return Keras's function for windows of arrays; it needs TensorFlow."""
    _import("tensorflow")
    function: Callable[..., Any] = _import("keras").utils.timeseries_dataset_from_array
    return function


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skipped(f"{error.name or name} is not installed") from None
