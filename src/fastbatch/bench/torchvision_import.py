# SPDX-License-Identifier: MIT
"""torchvision for the scenarios `torch_*`, without its compiled operators, which PyTorch's CPU build lacks."""

from __future__ import annotations

from typing import Any

from fastbatch.bench.job import Skipped

try:
    import torch
except ImportError:
    raise Skipped("torch is not installed") from None

_library: Any = torch.library
_register = _library.register_fake
_library.register_fake = lambda *names, **options: lambda function: function  # of operators that do not exist
try:
    from torchvision import datasets, transforms
except ImportError:
    raise Skipped("torchvision is not installed") from None
finally:
    _library.register_fake = _register

__all__ = ["datasets", "transforms"]
