# SPDX-License-Identifier: MIT
"""torchvision for the tests, whose compiled operators are missing beside PyTorch's CPU build.

Its Python code, transforms and datasets, works without them. Only its import registers functions for operators that do
not exist; that is left out.
"""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

_register = torch.library.register_fake
torch.library.register_fake = lambda *names, **options: lambda function: function
try:
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    from torchvision import datasets, transforms
    from torchvision.transforms import v2
finally:
    torch.library.register_fake = _register

__all__ = ["datasets", "torchvision", "transforms", "v2"]
