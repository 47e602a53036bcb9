# SPDX-License-Identifier: MIT
"""fastbatch for PyTorch: torch's `DataLoader` with native threads.

from fastbatch.torch import DataLoader      # instead of torch.utils.data

loader = DataLoader(dataset, batch_size=64, shuffle=True)
loader.explain()                            # what runs natively, what does not, and why
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(f"fastbatch.torch needs PyTorch ({_error}): pip install torch", name="torch") from _error
except RuntimeError as _error:
    import threading as _threading

    if _threading.main_thread().is_alive():
        raise
    raise ImportError(
        f"PyTorch cannot be imported after the main thread has ended ({_error}): import fastbatch.torch before",
        name="torch",
    ) from _error

from .batch_dataset import dataset
from .data_loader import DataLoader
from .declared import Images
from .frameworks import install, uninstall
from .image_folder import ImageFolder
from .iterable import as_iterable
from .prepared import prepare
from .stateful import StatefulDataLoader
from .weighted import DistributedWeightedSampler

__all__ = [
    "DataLoader",
    "DistributedWeightedSampler",
    "ImageFolder",
    "Images",
    "StatefulDataLoader",
    "as_iterable",
    "dataset",
    "install",
    "prepare",
    "uninstall",
]
