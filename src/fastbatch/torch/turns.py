# SPDX-License-Identifier: MIT
"""Affine transforms of torchvision that run natively: `RandomRotation`, `RandomAffine`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from .canvas import Canvas
from .step import Step, bytes_of, filter_name
from .streams import Stream
from .tensors import NotNative

_FILTERS = ("nearest", "bilinear")
_HALF, _QUARTERS = 180, (90, 270)


def random_rotation(t: Any, is_v2: bool) -> Step:
    """Return the step of a `RandomRotation`."""
    if t.expand:
        raise NotNative("RandomRotation with expand=True")
    low, high = float(t.degrees[0]), float(t.degrees[1])
    center = None if t.center is None else (float(t.center[0]), float(t.center[1]))
    name, fill = _options(t)

    def apply(canvas: Canvas, stream: Stream) -> None:
        angle = stream.uniform(low, high) % 360.0
        if center is None and angle == 0:
            return
        if center is None and angle == _HALF:
            canvas.flip()
            canvas.vertical_flip()
            return
        if center is None and angle in _QUARTERS:
            raise ValueError("a quarter turn is left to Pillow")
        canvas.affine(rotation(angle, center or (canvas.width / 2, canvas.height / 2)), name == "bilinear", fill)

    return Step("RandomRotation", (low, high, center, name, fill), apply, "turn", True, fill_outside=fill)


def rotation(angle: float, center: Sequence[float]) -> list[float]:
    """Return the matrix of Pillow's `Image.rotate`, by degrees against the clock."""
    turn = -math.radians(angle)
    cos, sin = round(math.cos(turn), 15), round(math.sin(turn), 15)
    x, y = center
    return [cos, sin, cos * -x + sin * -y + 0.0 + x, -sin, cos, -sin * -x + cos * -y + 0.0 + y]


def random_affine(t: Any, is_v2: bool) -> Step:
    """Return the step of a `RandomAffine`."""
    matrix = getattr(sys.modules.get("torchvision.transforms.functional"), "_get_inverse_affine_matrix", None)
    if matrix is None:
        raise NotNative("RandomAffine of this version of torchvision")
    degrees, translate, scale, shear = t.degrees, t.translate, t.scale, t.shear
    center = None if t.center is None else [float(side) for side in t.center]
    name, fill = _options(t)

    def apply(canvas: Canvas, stream: Stream) -> None:
        angle = stream.uniform(float(degrees[0]), float(degrees[1]))
        dx = dy = 0
        if translate is not None:
            most_x, most_y = float(translate[0] * canvas.width), float(translate[1] * canvas.height)
            dx, dy = round(stream.uniform(-most_x, most_x)), round(stream.uniform(-most_y, most_y))
        factor = 1.0 if scale is None else stream.uniform(scale[0], scale[1])
        shear_x = shear_y = 0.0
        if shear is not None:
            shear_x = stream.uniform(shear[0], shear[1])
            if len(shear) == 4:
                shear_y = stream.uniform(shear[2], shear[3])
        middle = center or [canvas.width * 0.5, canvas.height * 0.5]
        canvas.affine(matrix(middle, angle, [dx, dy], factor, [shear_x, shear_y]), name == "bilinear", fill)

    key = (repr((degrees, translate, scale, shear, center)), name, fill)
    return Step("RandomAffine", key, apply, "turn", True, fill_outside=fill)


def _options(t: Any) -> tuple[str, tuple[int, ...]]:
    name = filter_name(t.interpolation)
    if name not in _FILTERS:
        raise NotNative(f"{type(t).__name__} with the filter {name}")
    fill = bytes_of(t.fill)
    return name, fill * 4 if len(fill) == 1 else fill
