# SPDX-License-Identifier: MIT
"""A dataset's `transform`, divided: the steps that run natively, and the rest, which runs in Python after them.

Steps that change a tensor element by element become one table: they are run, by torchvision itself, on an image of all
values, so that the arithmetic is torchvision's to the last bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate

from .canvas import Canvas
from .step import Size, Step
from .streams import Columns, Stream, WorkerStream
from .tensors import NotNative, array_of
from .transforms import flattened, name_of, step_of

_FLIPS = ("RandomHorizontalFlip", "RandomVerticalFlip")


@dataclass(frozen=True)
class Recipe:
    """What is done to the images of a dataset.

    Attributes:
        steps: Run natively, in this order.
        rest: Python steps, after them.
        why: Of the first Python step: the reason.
        channels: Of the images.
        made: Channels of the result: 1 for images that are made grey.
        size: (height, width) of the result of `steps`.
        table: (made, 256): the element of the result for each byte; None: the result is an image.
        dtype: Of the result.
        planes: A batch has its channels first in memory too.
        filter: Of the resize.
        fill: One byte per channel, for padding.
        erasing: An element per channel, for erased rectangles.
    """

    steps: tuple[Step, ...]
    rest: tuple[Any, ...]
    why: str
    channels: int
    made: int
    size: Size
    table: NDArray[Any] | None
    dtype: torch.dtype
    planes: bool
    filter: str
    fill: tuple[int, ...]
    erasing: bytes

    @property
    def draws(self) -> bool:
        """Whether native steps draw random numbers."""
        return any(step.draws for step in self.steps)

    def key(self) -> tuple[Any, ...]:
        """Return a value that is equal for recipes that do the same."""
        table = None if self.table is None else self.table.tobytes()
        steps = tuple((step.name, step.key) for step in self.steps)
        return (
            steps,
            tuple(map(id, self.rest)),
            self.channels,
            self.made,
            self.size,
            table,
            str(self.dtype),
            self.planes,
        )

    def names(self) -> str:
        """Return the names of the native steps."""
        return ", ".join(step.name for step in self.steps) or "decoding"

    def draw_many(self, n: int, width: int, height: int, stream: Stream) -> NDArray[np.int64] | None:
        """Draw the numbers of `n` images of one size at once; None: they have to be drawn image by image."""
        if type(stream) not in (Stream, WorkerStream):
            return None
        if not all(step.is_regular or not step.draws for step in self.steps):
            return None
        if any(step.kind in ("color", "turn", "erase") for step in self.steps):
            return None
        counting = Columns()
        self.draw(width, height, counting)
        if counting.drawn == 0:
            return self.draw(width, height, counting).rows(n)
        words = stream.words(n * counting.drawn).reshape(n, counting.drawn)
        return self.draw(width, height, Columns(words)).rows(n)

    def draw(self, width: int, height: int, stream: Stream) -> Canvas:
        """Draw the numbers of one image, and return what they say. Raises ValueError as torchvision does."""
        canvas = Canvas(width, height)
        for step in self.steps:
            step.apply(canvas, stream)
        if (canvas.height, canvas.width) != self.size:
            raise ValueError(f"expected {self.size} pixels after the transforms, found {canvas.height, canvas.width}")
        return canvas


@dataclass
class _Draft:
    """A recipe in the making."""

    channels: int
    size: Size | None
    made: int
    steps: list[Step] = field(default_factory=list)
    on_tensors: list[Any] = field(default_factory=list)  # the transforms of the table
    fill: tuple[int, ...] | None = None

    def add(self, transform: Any) -> None:
        """Add a transform.

        Raises:
            NotNative: It does not run natively, or not at this place.
        """
        step = step_of(transform)
        kinds = {done.kind for done in self.steps}
        if "erase" in kinds:
            raise NotNative(f"{step.name} after RandomErasing")
        if step.kind == "tensor":
            ramp_of([*self.on_tensors, transform], self.made)  # raises NotNative
            self.on_tensors.append(transform)
        elif step.kind == "erase":
            if not self.on_tensors or len(step.erasing) not in (1, self.made):
                raise NotNative(f"{step.name} of images")
        elif step.kind in ("color", "turn"):
            if self.on_tensors:
                raise NotNative(f"{step.name} of tensors")
            if step.channels == 3 and self.made != 3:
                raise NotNative(f"{step.name} of grey images")
            if step.fill_outside is not None and len(step.fill_outside) not in (self.made, 4):
                raise NotNative(f"{step.name} with fill={step.fill_outside}")
            self.made = step.channels or self.made
        else:
            self._check_geometry(step, kinds)
        if step.size is not None or step.kind == "resize":
            self.size = step.size
        elif self.size is not None:
            self.size = self.size[0] + step.grows[0], self.size[1] + step.grows[1]
        self.steps.append(step)

    def _check_geometry(self, step: Step, kinds: set[str]) -> None:
        if step.kind == "resize":
            names = {done.name for done in self.steps}
            if self.on_tensors:
                raise NotNative(f"{step.name} of tensors")
            if "resize" in kinds or names & set(_FLIPS) or self.fill not in (None, (0,)):
                raise NotNative(f"{step.name} after {', '.join(done.name for done in self.steps)}")
        if kinds & {"color", "turn"} and step.name not in _FLIPS:
            raise NotNative(f"{step.name} after {', '.join(done.name for done in self.steps)}")
        if step.fill is None:
            return
        fill = step.fill * self.channels if len(step.fill) == 1 else step.fill
        if len(fill) != self.channels or self.fill not in (None, fill):
            raise NotNative(f"{step.name} with fill={step.fill}")
        if self.on_tensors and (any(fill) or ramp_of(self.on_tensors, self.made)[:, 0, 0].any()):
            raise NotNative(f"{step.name} of tensors, with padding")
        self.fill = fill


def recipe_of(transform: Any, channels: int, size: Size | None, contiguous: bool) -> Recipe:
    """Return the recipe of a transform of images.

    Args:
        channels, size: Of the images; None: each has its own size.
        contiguous: torch's loader makes contiguous batches, as it does in worker processes.

    Raises:
        NotNative: Nothing of it runs natively.
    """
    draft, rest, why = _Draft(channels, size, channels), [], ""
    transforms = list(flattened(transform))
    try:
        for one in transforms:
            draft.add(one)
    except NotNative as reason:
        rest, why = transforms[len(draft.steps) :], str(reason)
    if draft.size is None:
        raise NotNative(f"the images have no common size{f' before this: {why}' if why else ''}")
    if not rest and not draft.on_tensors:
        raise NotNative("the images are not made tensors")
    table, dtype, planes, erasing = None, torch.uint8, False, b""
    if draft.on_tensors:
        ramp = ramp_of(draft.on_tensors, draft.made)
        dtype = ramp.dtype
        table = np.ascontiguousarray(array_of(ramp[:, 0].contiguous()))
        planes = contiguous or _is_planar(ramp)
        value = next((step.erasing for step in draft.steps if step.kind == "erase"), (0.0,))
        erasing = array_of(torch.tensor(value).expand(draft.made).to(dtype).contiguous()).tobytes()
    filter_name = next((step.filter for step in draft.steps if step.filter), "bilinear")
    return Recipe(
        tuple(draft.steps),
        tuple(rest),
        why,
        channels,
        draft.made,
        draft.size,
        table,
        dtype,
        planes,
        filter_name,
        draft.fill or (0,) * channels,
        erasing,
    )


_RAMPS: dict[Any, torch.Tensor] = {}  # of transforms whose options are plain values
_MOST_RAMPS = 64


def ramp_of(transforms: Sequence[Any], channels: int) -> torch.Tensor:
    """Return what transforms make of an image of all values, as `made_ramp`; the same again for the same options."""
    options = [_plain_options(transform) for transform in transforms]
    if any(option is None for option in options):
        return made_ramp(transforms, channels)
    key = tuple(map(type, transforms)), repr(options), channels, torch.get_default_dtype()
    ramp = _RAMPS.get(key)
    if ramp is None:
        if len(_RAMPS) >= _MOST_RAMPS:
            _RAMPS.clear()
        ramp = _RAMPS[key] = made_ramp(transforms, channels)
    return ramp


def _plain_options(transform: Any) -> dict[str, Any] | None:
    """Return the options of a transform whose text says all of them; None if there are others, such as tensors."""
    options = {name: value for name, value in vars(transform).items() if not name.startswith("_")}
    return options if all(map(_is_plain, options.values())) else None


def _is_plain(value: Any) -> bool:
    if type(value) in (tuple, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str, torch.dtype)


def made_ramp(transforms: Sequence[Any], channels: int) -> torch.Tensor:
    """Return what transforms make of an image of all values: (channels, 2, 256).

    Raises:
        NotNative: They fail, or do not make a tensor of it.
    """
    from PIL import Image

    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (2, 256, channels))
    made: Any = Image.fromarray(np.ascontiguousarray(ramp[:, :, 0] if channels == 1 else ramp))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for transform in transforms:
                made = transform(made)
    except Exception as error:
        raise NotNative(f"{name_of(transform)}: {type(error).__name__}: {error}") from None
    if not isinstance(made, torch.Tensor) or made.shape != (channels, 2, 256):
        raise NotNative(f"{name_of(transforms[-1])} gives no tensor of the image's shape")
    return made.as_subclass(torch.Tensor)


def _is_planar(ramp: torch.Tensor) -> bool:
    batch = default_collate([ramp, ramp])
    if not (batch.is_contiguous() or batch.is_contiguous(memory_format=torch.channels_last)):
        raise NotNative("tensors of another layout")
    return bool(batch.is_contiguous())
