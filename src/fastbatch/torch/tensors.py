# SPDX-License-Identifier: MIT
"""Between tensors and arrays that share their memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_LISTS = (list, tuple, range, np.ndarray, torch.Tensor)  # what [] counts from 0 in; that of other classes may not
_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class NotNative(Exception):  # noqa: N818 - a reason, not an error
    """Why something is left to torch."""


def array_of(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """Return an array over the memory of a tensor; types that NumPy lacks become integers of their size.

    Raises:
        NotNative: It is not plain memory of this process, or `default_collate` keeps more of it than its values.
    """
    if type(tensor) is not torch.Tensor:
        raise NotNative(f"a {type(tensor).__name__}, not a plain tensor")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        raise NotNative("a sparse, quantized or nested tensor")
    if tensor.device.type != "cpu":
        raise NotNative(f"a tensor on {tensor.device}")
    if tensor.requires_grad or tensor.is_conj() or tensor.is_neg():
        raise NotNative("a tensor that records gradients, or a conjugated view")
    if tensor.dim() == 0 or tensor[:1].numel() == 0:
        raise NotNative("a tensor without samples, or with empty ones")
    try:
        return tensor.numpy()
    except TypeError:
        return tensor.view(_OF_SIZE[tensor.element_size()]).numpy()


def indices_of(owner: Any) -> NDArray[np.int64]:
    """Return the `indices` of a subset or a sampler, which torch takes one by one with `[]`.

    Raises:
        NotNative: They are no integers, or of a class whose `[]` may find others: a pandas series looks up labels.
    """
    given = owner.indices
    if type(given) not in _LISTS:
        raise NotNative(f"{type(owner).__name__} with indices in a {type(given).__name__}")
    indices = np.asarray(given)
    if indices.ndim != 1 or (indices.dtype.kind not in "iu" and len(indices)):
        raise NotNative(f"{type(owner).__name__} with indices of type {indices.dtype}")
    return indices.astype(np.int64)


def tensor_of(array: np.ndarray[Any, Any], dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor that shares the memory of an array, which has `dtype` or integers of its size."""
    tensor = torch.from_numpy(array)
    return tensor if tensor.dtype == dtype else tensor.view(dtype)


def dtype_of(dtype: np.dtype[Any]) -> torch.dtype:
    """Return torch's name of a type of NumPy's.

    Raises:
        NotNative: torch has no such type.
    """
    try:
        return torch.from_numpy(np.empty(0, dtype)).dtype
    except TypeError:
        raise NotNative(f"elements of type {dtype}, which torch lacks") from None
