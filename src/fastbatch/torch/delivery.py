# SPDX-License-Identifier: MIT
"""The last step of a batch: element type, memory format and device, as a loader's options say."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal

import torch

from fastbatch.checks import shown

_HOST = ("cpu", "meta")  # devices without a stream to copy on

ChannelsLast = bool | Literal["permute"]


class Delivery:
    """Turns the batches of one iterator into what its loader was asked for. Threads: one at a time.

    Args:
        dtype: Of the floating-point tensors of a batch; None: as they are.
        channels_last: True: tensors (n, c, h, w) in NHWC memory. "permute": tensors (n, h, w, c) become (n, c, h, w),
            without a copy.
        device: Where the tensors go; None: they stay.
    """

    def __init__(self, dtype: torch.dtype | None, channels_last: ChannelsLast, device: Any) -> None:
        self._dtype = dtype
        self._channels_last = channels_last
        self._device = None if device is None else torch.device(device)
        self._stream: SideStream | None = None
        self._is_host = self._device is None or self._device.type in _HOST

    @property
    def copies_ahead(self) -> bool:
        """Whether a batch is copied while the one before it is used."""
        return not self._is_host

    def batch(self, batch: Any) -> Any:
        """Return a batch as it is handed out, its tensors on the device."""
        if self._is_host:
            return mapped(batch, self._moved)
        stream = self.side_stream()
        return stream.finish(stream.begin(batch))

    def side_stream(self) -> SideStream:
        """Return the stream that copies to the device."""
        if self._stream is None:
            assert self._device is not None
            self._stream = SideStream(self._device, self._converted)
        return self._stream

    def _converted(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor in its type and memory format; on the host, where half as many bytes then need be copied."""
        if self._channels_last and tensor.dim() == 4:
            if self._channels_last == "permute":
                tensor = tensor.permute(0, 3, 1, 2)
            else:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
        if self._dtype is not None and tensor.is_floating_point():
            tensor = tensor.to(self._dtype)
        return tensor

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        tensor = self._converted(tensor)
        return tensor if self._device is None else tensor.to(self._device)


class SideStream:
    """Copies batches to a device on a stream of its own, beside the work of the training step.

    A batch is copied from pinned memory, which torch's allocator keeps until the copy has ended.

    Args:
        device: An accelerator.
        convert: Called with each tensor first, on the host.
    """

    def __init__(self, device: torch.device, convert: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._device = device
        self._convert = convert
        self._module: Any = torch.get_device_module(device)
        self._stream: Any = self._module.Stream(device)

    def begin(self, batch: Any) -> Any:
        """Return a batch on the device, whose copy has begun: `finish` it before it is used."""
        with self._module.stream(self._stream):
            return mapped(batch, self._sent)

    def finish(self, batch: Any) -> Any:
        """Let the work that follows on the current stream wait for all copies that were begun; return the batch."""
        current = self._module.current_stream(self._device)
        current.wait_stream(self._stream)

        def used(tensor: torch.Tensor) -> torch.Tensor:
            tensor.record_stream(current)  # else its memory could be given to another copy while it is in use
            return tensor

        return mapped(batch, used)

    def _sent(self, tensor: torch.Tensor) -> torch.Tensor:
        tensor = self._convert(tensor)
        if tensor.device.type == "cpu" and not tensor.is_pinned():
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


class CopyAhead:
    """The batches of an iterator, each copied to the device while the one before it is used.

    An error of a batch is raised when that batch is due.

    Args:
        take: Returns the next batch, or raises StopIteration.
        stream: Copies it.
        before: Called before a batch is taken ahead.
    """

    def __init__(self, take: Callable[[], Any], stream: SideStream, before: Callable[[], None]) -> None:
        self._take = take
        self._stream = stream
        self._before = before
        self._begun: tuple[Any] | None = None
        self._error: BaseException | None = None

    def __call__(self) -> Any:
        """Return the next batch, and begin to copy the one after it."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        begun = self._begun or (self._stream.begin(self._take()),)
        self._begun = None
        batch = self._stream.finish(begun[0])  # before the next copy begins, which need not be waited for
        self._before()
        try:
            self._begun = (self._stream.begin(self._take()),)
        except Exception as error:
            self._error = error
        return batch


def check_delivery(device: Any, channels_last: Any, dtype: Any) -> None:
    """Check the options of a delivery.

    Raises:
        TypeError: Another type.
        ValueError: `channels_last` is none of True, False and "permute".
        RuntimeError: Of torch: an unknown device.
    """
    if device is not None:
        torch.device(device)
    if not isinstance(channels_last, bool) and channels_last != "permute":
        raise ValueError(f"channels_last: expected True, False or 'permute', found {shown(channels_last)}")
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype: expected a floating-point type of torch, found {shown(dtype)}")


def delivery_of(loader: Any) -> Delivery | None:
    """Return what a loader's options ask for; None: batches are handed out as they are made."""
    if loader.dtype is None and not loader.channels_last and loader.device is None:
        return None
    return Delivery(loader.dtype, loader.channels_last, loader.device)


def mapped(batch: Any, function: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return a batch with a function applied to each of its tensors; of the same types, as `pin_memory` keeps them."""
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        items = {key: mapped(value, function) for key, value in batch.items()}
        if isinstance(batch, MutableMapping):
            made = copy.copy(batch)
            made.update(items)
            return made
        return items
    if isinstance(batch, tuple):
        parts = [mapped(value, function) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    return [mapped(value, function) for value in batch] if isinstance(batch, list) else batch
