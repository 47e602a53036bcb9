# SPDX-License-Identifier: MIT
"""The transforms of torchvision that run natively: what each does to a `Canvas`, and what it draws, in its order.

They are recognised by their exact type, in `torchvision.transforms` and in `torchvision.transforms.v2`; torchvision
itself is not imported. A transform with options that are not known here raises NotNative when its step is made.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

from fastbatch.checks import shown

from .canvas import Canvas
from .step import Step, bytes_of, filter_name
from .streams import Stream
from .tensors import NotNative
from .turns import random_affine, random_rotation

V1, V2 = "torchvision.transforms.transforms", "torchvision.transforms.v2"
_CONTAINERS = ("Compose",)


def name_of(transform: Any) -> str:
    """Return how a transform is called in messages."""
    return getattr(transform, "__qualname__", None) or type(transform).__name__


def known_as(transform: Any) -> tuple[str, str] | None:
    """Return (module, name) of torchvision's class that a transform is exactly of, or None."""
    kind = type(transform)
    name = kind.__name__
    for module in (V1, V2):
        if getattr(sys.modules.get(module), name, None) is kind:
            return module, name
    return None


def flattened(transform: Any) -> Iterator[Any]:
    """Yield the transforms of a `Compose`, also of nested ones."""
    known = known_as(transform)
    if known is not None and known[1] in _CONTAINERS and is_plain(transform):
        for inner in transform.transforms:
            yield from flattened(inner)
    elif transform is not None:
        yield transform


def is_plain(transform: Any) -> bool:
    """Return whether calling a transform runs its class's own code and nothing else."""
    own = vars(transform)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return "forward" not in own and not any(own.get(name) for name in hooks)


def step_of(transform: Any) -> Step:
    """Return the native step of a transform.

    Raises:
        NotNative: It has none; the message says why.
    """
    known = known_as(transform)
    if known is None or known[1] not in _MAKERS:
        raise NotNative(f"{name_of(transform)} has no native counterpart")
    if not is_plain(transform):
        raise NotNative(f"{known[1]} with hooks")
    step = _MAKERS[known[1]](transform, known[0] == V2)
    if not isinstance(step, Step):
        raise NotNative(f"{known[1]}: {step}")
    return step


def _nothing(canvas: Canvas, stream: Stream) -> None:
    pass


# ---- geometry


def _resize(t: Any, is_v2: bool) -> Step | str:
    sides = [t.size] if isinstance(t.size, int) else None if t.size is None else list(t.size)
    most = t.max_size
    name = filter_name(t.interpolation)

    def apply(canvas: Canvas, stream: Stream) -> None:
        canvas.resize(*resized(canvas.width, canvas.height, sides, most))

    fixed = (sides[0], sides[1]) if sides is not None and len(sides) == 2 else None
    key = (tuple(sides) if sides is not None else None, most, name)
    return Step("Resize", key, apply, "resize", size=fixed, filter=name)


def resized(width: int, height: int, sides: list[int] | None, most: int | None) -> tuple[int, int]:
    """Return (width, height) after torchvision's `Resize`."""
    short, long = min(width, height), max(width, height)
    if sides is None:
        assert most is not None
        new_short, new_long = int(most * short / long), most
    elif len(sides) == 2:
        return sides[1], sides[0]
    else:
        new_short, new_long = sides[0], int(sides[0] * long / short)
        if most is not None and most <= sides[0]:
            raise ValueError(f"max_size = {most} must be strictly greater than size = {sides[0]}")
        if most is not None and new_long > most:
            new_short, new_long = int(most * new_short / new_long), most
    return (new_short, new_long) if width <= height else (new_long, new_short)


def _center_crop(t: Any, is_v2: bool) -> Step | str:
    height, width = (int(side) for side in t.size)

    def apply(canvas: Canvas, stream: Stream) -> None:
        right, below = max(0, width - canvas.width), max(0, height - canvas.height)
        if right or below:
            canvas.pad(right // 2, below // 2, (right + 1) // 2, (below + 1) // 2)
            if (canvas.width, canvas.height) == (width, height):
                return
        left, top = round((canvas.width - width) / 2.0), round((canvas.height - height) / 2.0)
        canvas.crop(left, top, width, height)

    return Step("CenterCrop", (height, width), apply, "pixels", size=(height, width), fill=(0,))


def _random_resized_crop(t: Any, is_v2: bool) -> Step | str:
    height, width = (int(side) for side in t.size)
    scale, ratio = tuple(map(float, t.scale)), tuple(t.ratio)
    low, high = torch.log(torch.tensor(ratio)).tolist()
    name = filter_name(t.interpolation)

    def apply(canvas: Canvas, stream: Stream) -> None:
        whole_width, whole_height = canvas.width, canvas.height
        area = whole_height * whole_width
        for _ in range(10):
            target = area * stream.uniform(scale[0], scale[1])
            aspect = stream.exp_uniform(low, high)
            w, h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
            if 0 < w <= whole_width and 0 < h <= whole_height:
                top = stream.below(whole_height - h + 1)
                left = stream.below(whole_width - w + 1)
                break
        else:
            shape = whole_width / whole_height
            w, h = whole_width, whole_height
            if shape < min(ratio):
                h = round(w / min(ratio))
            elif shape > max(ratio):
                w = round(h * max(ratio))
            top, left = (whole_height - h) // 2, (whole_width - w) // 2
        canvas.crop(left, top, w, h)
        canvas.resize(width, height)

    key = (height, width, scale, ratio, name)
    return Step("RandomResizedCrop", key, apply, "resize", True, (height, width), filter=name)


def _random_crop(t: Any, is_v2: bool) -> Step | str:
    height, width = (int(side) for side in t.size)
    if t.padding_mode != "constant" and (t.padding is not None or t.pad_if_needed):
        return f"padding_mode={shown(t.padding_mode)}"
    pads = t.padding is not None or t.pad_if_needed
    fill = bytes_of(t.fill) if pads else None
    padding = (0, 0, 0, 0)
    if t.padding is not None:
        padding = _sides(t.padding, is_v2)
    if_needed = bool(t.pad_if_needed)

    def apply(canvas: Canvas, stream: Stream) -> None:
        canvas.pad(*padding)
        if if_needed:
            more = max(0, width - canvas.width)
            canvas.pad(more, 0, more, 0)
            more = max(0, height - canvas.height)
            canvas.pad(0, more, 0, more)
        down, across = canvas.height - height, canvas.width - width
        if down < 0 or across < 0:
            found = (canvas.height, canvas.width)
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {found}")
        top = left = 0
        if is_v2:  # draws only where there is a choice
            top = stream.below(down + 1) if down else 0
            left = stream.below(across + 1) if across else 0
        elif down or across:
            top, left = stream.below(down + 1), stream.below(across + 1)
        canvas.crop(left, top, width, height)

    key = (height, width, padding, if_needed, fill, is_v2)
    return Step("RandomCrop", key, apply, "pixels", True, (height, width), fill=fill, is_regular=True)


def _pad(t: Any, is_v2: bool) -> Step | str:
    if t.padding_mode != "constant":
        return f"padding_mode={shown(t.padding_mode)}"
    padding = _sides(t.padding, False)
    fill = bytes_of(t.fill)
    left, top, right, bottom = padding
    grows = (top + bottom, left + right)
    return Step("Pad", (padding, fill), lambda canvas, _: canvas.pad(*padding), "pixels", grows=grows, fill=fill)


def _flip(t: Any, is_v2: bool) -> Step:
    p = float(t.p)

    def apply(canvas: Canvas, stream: Stream) -> None:
        canvas.flip(stream.chance(p))

    return Step("RandomHorizontalFlip", (p,), apply, "pixels", True, is_regular=True)


def _vertical_flip(t: Any, is_v2: bool) -> Step:
    p = float(t.p)

    def apply(canvas: Canvas, stream: Stream) -> None:
        canvas.vertical_flip(stream.chance(p))

    return Step("RandomVerticalFlip", (p,), apply, "pixels", True, is_regular=True)


# ---- colours


def _color_jitter(t: Any, is_v2: bool) -> Step:
    ranges = [t.brightness, t.contrast, t.saturation, t.hue]
    ranges = [None if one is None else (float(one[0]), float(one[1])) for one in ranges]

    def apply(canvas: Canvas, stream: Stream) -> None:
        order = stream.permutation(4)
        values = [None if one is None else stream.uniform(*one) for one in ranges]
        change = (canvas.brightness, canvas.contrast, canvas.saturation, canvas.hue)
        for i in order:
            value = values[i]
            if value is not None:
                change[i](value)

    return Step("ColorJitter", tuple(ranges), apply, "color", True)


def _grayscale(t: Any, is_v2: bool) -> Step:
    n = int(t.num_output_channels)
    return Step("Grayscale", (n,), lambda canvas, stream: canvas.grey(), "color", channels=n)


def _random_grayscale(t: Any, is_v2: bool) -> Step:
    p = float(t.p)

    def apply(canvas: Canvas, stream: Stream) -> None:
        if stream.chance(p):
            canvas.grey()

    return Step("RandomGrayscale", (p,), apply, "color", True)


# ---- tensors


def _elementwise(t: Any, is_v2: bool) -> Step:
    options = {k: v for k, v in vars(t).items() if not k.startswith("_") and k != "training"}
    return Step(type(t).__name__, (repr(options),), _nothing, "tensor")


def _random_erasing(t: Any, is_v2: bool) -> Step | str:
    if t.value is None or isinstance(t.value, str):
        return "value='random'"
    value = (float(t.value),) if isinstance(t.value, (int, float)) else tuple(map(float, t.value))
    p, scale, ratio = float(t.p), tuple(map(float, t.scale)), tuple(t.ratio)
    low, high = torch.log(torch.tensor(ratio)).tolist()

    def apply(canvas: Canvas, stream: Stream) -> None:
        if not stream.chance(p):
            return
        area = canvas.height * canvas.width
        for _ in range(10):
            erased = area * stream.uniform(scale[0], scale[1])
            aspect = stream.exp_uniform(low, high)
            h, w = round(math.sqrt(erased * aspect)), round(math.sqrt(erased / aspect))
            if h < canvas.height and w < canvas.width:
                top = stream.below(canvas.height - h + 1)
                canvas.erase(stream.below(canvas.width - w + 1), top, w, h)
                return

    return Step("RandomErasing", (p, scale, ratio, value), apply, "erase", True, erasing=value)


_MAKERS: dict[str, Callable[[Any, bool], Step | str]] = {
    "Resize": _resize,
    "CenterCrop": _center_crop,
    "RandomResizedCrop": _random_resized_crop,
    "RandomCrop": _random_crop,
    "Pad": _pad,
    "RandomHorizontalFlip": _flip,
    "RandomVerticalFlip": _vertical_flip,
    "ColorJitter": _color_jitter,
    "Grayscale": _grayscale,
    "RandomGrayscale": _random_grayscale,
    "RandomRotation": random_rotation,
    "RandomAffine": random_affine,
    "RandomErasing": _random_erasing,
    **dict.fromkeys(
        ("ToTensor", "PILToTensor", "ToImage", "ToDtype", "ConvertImageDtype", "Normalize", "ToPureTensor"),
        _elementwise,
    ),
}


def _sides(padding: Any, is_parsed: bool) -> tuple[int, int, int, int]:
    """Return a padding as (left, top, right, bottom). `is_parsed`: it is (left, right, top, bottom), as v2 keeps it."""
    if isinstance(padding, int):
        return padding, padding, padding, padding
    numbers = [int(side) for side in padding]
    if len(numbers) == 1:
        return numbers[0], numbers[0], numbers[0], numbers[0]
    if len(numbers) == 2:
        return numbers[0], numbers[1], numbers[0], numbers[1]
    if is_parsed:
        left, right, top, bottom = numbers
        return left, top, right, bottom
    left, top, right, bottom = numbers
    return left, top, right, bottom
