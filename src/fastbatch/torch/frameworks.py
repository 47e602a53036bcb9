# SPDX-License-Identifier: MIT
"""`install()`: frameworks that build torch's loader build ours instead."""

from __future__ import annotations

import sys
from typing import Any

import torch.utils.data

from .data_loader import DataLoader

# Modules that build a loader anew from the settings of one, or make one, by the name that they imported.
BUILDERS = (
    "accelerate.data_loader",
    "transformers.trainer",
    "ray.train.torch.train_loop_utils",
    "ray.train.v2.torch.train_loop_utils",
)


def install() -> tuple[str, ...]:
    """Let the frameworks that are imported build our `DataLoader` where they build torch's; return their modules.

    Accelerate, the Hugging Face Trainer and Ray Train make a plain torch loader of the settings of one; with this, the
    one that they make is ours. Call it after importing them; loaders that exist already stay as they are.
    """
    return _replace(torch.utils.data.DataLoader, DataLoader)


def uninstall() -> tuple[str, ...]:
    """Undo `install`; return the modules that build torch's own loader again."""
    return _replace(DataLoader, torch.utils.data.DataLoader)


def _replace(old: Any, new: Any) -> tuple[str, ...]:
    changed = []
    for name in BUILDERS:
        module = sys.modules.get(name)
        if module is not None and vars(module).get("DataLoader") is old:
            vars(module)["DataLoader"] = new
            changed.append(name)
    return tuple(changed)
