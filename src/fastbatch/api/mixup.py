# SPDX-License-Identifier: MIT
"""`mixup`, `cutmix`: images of a batch mixed in pairs, together with their labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import refuse_masked, shown, whole
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.loader.samples import SampleLoader
from fastbatch.plan.streams import BATCH, stream

MIX = 10  # operation number of the random stream; its index is the position of the batch
MOST_CLASSES = 2**31 - 1

Array = NDArray[Any]


def mixup(loader: Loader, alpha: float = 0.2, n_classes: SupportsIndex | None = None) -> Loader:
    """Return a loader whose images and labels are blends of two: `share * one + (1 - share) * other`.

    The images of a batch are paired at random; the share is drawn from Beta(alpha, alpha), once per batch. In a batch
    of odd size one image stays unchanged. The same seed, epoch and position give the same blends, also after a resume.

    Args:
        loader: A loader of batches `(x, y)`, x floats of any layout.
        alpha: Parameter of the Beta distribution, above 0. Large values give shares near 1/2.
        n_classes: Number of classes of integer labels, which become float32 of shape (batch, n_classes). None: the
            number of the loader's `class_names`. Labels that have this shape already become float32.

    Returns:
        A loader of batches `(x, y)`, y float32 of shape (batch, n_classes).

    Raises:
        ValueError: An alpha that is not above 0, or no number of classes. By `next()`: labels out of range.
        TypeError: Not a loader. By `next()`: images of integers, which cannot hold a blend, or batches other than (x,
            y).

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.mixup(fb.images("photos/train", size=64, batch_size=8), alpha=0.2)
        >>> x, y = next(iter(loader))
        >>> x.shape, y.shape, y.dtype
        ((8, 3, 64, 64), (8, 3), dtype('float32'))

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    step = MixUp(*_checked("mixup", loader, alpha, n_classes))
    return loader.map(step)


def cutmix(
    loader: Loader,
    alpha: float = 1.0,
    n_classes: SupportsIndex | None = None,
    layout: Literal["NCHW", "NHWC"] | None = None,
) -> Loader:
    """Return a loader that exchanges a rectangle between two images of a batch and mixes their labels by its area.

    The images of a batch are paired at random. The rectangle is the same for the whole batch: its area is a share
    1 - lambda of the image, lambda drawn from Beta(alpha, alpha), its centre is drawn uniformly, and it is clipped at
    the borders. The same seed, epoch and position give the same rectangles, also after a resume.

    Args:
        loader: A loader of batches `(x, y)`, x floats or integers of 4 dimensions.
        alpha: Parameter of the Beta distribution, above 0.
        n_classes: Number of classes, as for `mixup`.
        layout: "NCHW" or "NHWC"; None: the axis of length 1, 3 or 4 is the channels.

    Returns:
        A loader of batches `(x, y)`, y float32 of shape (batch, n_classes).

    Raises:
        ValueError: As for `mixup`; an unknown layout. By `next()`: images of other than 3 dimensions, or a shape
            that does not tell the layout.
        TypeError: Not a loader. By `next()`: batches other than (x, y).

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.cutmix(fb.images("photos/train", size=64, batch_size=8, dtype="uint8"))
        >>> x, y = next(iter(loader))
        >>> x.dtype, y.shape, y.dtype
        (dtype('uint8'), (8, 3), dtype('float32'))

    Source: Yun et al., "CutMix", ICCV 2019.
    """
    if layout not in (None, "NCHW", "NHWC"):
        raise ValueError(f"layout: expected NCHW or NHWC, found {shown(layout)}")
    step = CutMix(*_checked("cutmix", loader, alpha, n_classes), layout)
    return loader.map(step)


@dataclass(frozen=True)
class MixUp:
    """Function of a batch for `mixup`. Writes into the batch's memory."""

    alpha: float
    n_classes: int | None

    def for_evaluation(self) -> Unmixed:
        """Return the function for a validation part."""
        return Unmixed("mixup", self.n_classes)

    def __call__(self, batch: Any, info: BatchInfo) -> tuple[Array, Array]:
        x, y = _images_and_labels("mixup", batch)
        if x.dtype.kind != "f":
            raise TypeError(f"mixup: expected images of floats, found {x.dtype}")
        x, labels = _writable(x), one_hot(y, self.n_classes)
        generator = stream(info.seed, info.epoch, info.position, BATCH, MIX)
        rest = 1 - float(generator.beta(self.alpha, self.alpha))
        compute = np.promote_types(x.dtype, np.float32)
        for i, j in pairs(generator, len(x)):
            for array, dtype in ((x, compute), (labels, np.dtype("f4"))):
                one, other = array[i], array[j]
                change = np.subtract(other, one, dtype=dtype)
                change *= dtype.type(rest)
                one += change.astype(array.dtype, copy=False)
                other -= change.astype(array.dtype, copy=False)
        return x, labels


@dataclass(frozen=True)
class CutMix:
    """Function of a batch for `cutmix`. Writes into the batch's memory."""

    alpha: float
    n_classes: int | None
    layout: str | None

    def for_evaluation(self) -> Unmixed:
        """Return the function for a validation part."""
        return Unmixed("cutmix", self.n_classes)

    def __call__(self, batch: Any, info: BatchInfo) -> tuple[Array, Array]:
        x, y = _images_and_labels("cutmix", batch)
        x, labels = _writable(x), one_hot(y, self.n_classes)
        channels_first = _channels_first(x.shape, self.layout)
        height, width = x.shape[2:] if channels_first else x.shape[1:3]
        generator = stream(info.seed, info.epoch, info.position, BATCH, MIX)
        side = math.sqrt(1 - float(generator.beta(self.alpha, self.alpha)))
        rows, columns = (_interval(n, int(n * side), generator.random()) for n in (height, width))
        share = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        window = (slice(None), rows, columns) if channels_first else (rows, columns)
        for i, j in pairs(generator, len(x)):
            one, other = x[i][window], x[j][window]
            kept = one.copy()
            one[:] = other
            other[:] = kept
            change = (labels[j] - labels[i]) * np.float32(share)
            labels[i] += change
            labels[j] -= change
        return x, labels


@dataclass(frozen=True)
class Unmixed:
    """Function of a batch for the validation part of a mixed loader: the images as they are, the labels' shares."""

    name: str
    n_classes: int | None

    def __call__(self, batch: Any, info: BatchInfo) -> tuple[Array, Array]:
        x, y = _images_and_labels(self.name, batch)
        return x, one_hot(y, self.n_classes)


def pairs(generator: np.random.Generator, n: int) -> list[tuple[int, int]]:
    """Return `n // 2` random pairs of different numbers below `n`."""
    order = np.argsort(generator.random(n), kind="stable").tolist()
    return list(zip(order[0::2], order[1::2], strict=False))


def one_hot(y: Array, n_classes: int | None) -> NDArray[np.float32]:
    """Return labels as float32 of shape (batch, classes); labels of that shape are copied.

    Raises:
        ValueError: Integer labels out of range or without a number of classes; labels of another shape or type.
    """
    if y.ndim == 2 and y.dtype.kind in "fiub":
        return y.astype(np.float32)
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise ValueError(f"labels: expected integers, or one row for each image, found {y.dtype} of shape {y.shape}")
    if n_classes is None:
        raise ValueError("n_classes: expected the number of classes, since the loader has no class_names")
    if len(y) and not (int(y.min()) >= 0 and int(y.max()) < n_classes):
        raise ValueError(f"labels: expected 0..{n_classes - 1}, found {int(y.min())}..{int(y.max())}")
    labels = np.zeros((len(y), n_classes), np.float32)
    labels[np.arange(len(y)), y.astype(np.intp)] = 1
    return labels


def _checked(name: str, loader: Any, alpha: Any, n_classes: Any) -> tuple[float, int | None]:
    if not isinstance(loader, Loader):
        raise TypeError(f"{name}: expected a Loader, found {type(loader).__name__}")
    if isinstance(loader, SampleLoader) and loader.recipe.index_column is not None and not loader.recipe.steps:
        raise TypeError(f"{name}: expected batches (x, y), found an index too; leave with_index out")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not (0 < alpha < math.inf):
        raise ValueError(f"alpha: expected a finite number above 0, found {shown(alpha)}")
    if n_classes is None:
        names = getattr(loader, "class_names", None)
        if names is None and _has_class_numbers(loader):
            raise ValueError("n_classes: expected the number of classes, since the loader has no class_names")
        return float(alpha), None if names is None else len(names)
    return float(alpha), whole("n_classes", n_classes, 1, MOST_CLASSES)


def _has_class_numbers(loader: Loader) -> bool:
    """Return whether labels are certainly integers: those of columns that no function changes."""
    if not isinstance(loader, SampleLoader) or loader.recipe.steps or len(loader.recipe.columns) != 2:
        return False
    labels = loader.recipe.columns[1]
    return labels.shape == () and labels.dtype.kind in "iub"


def _images_and_labels(name: str, batch: Any) -> tuple[Array, Array]:
    if not (isinstance(batch, tuple | list) and len(batch) == 2):
        raise TypeError(f"{name}: expected batches (x, y), found {type(batch).__name__}")
    refuse_masked(name, list(batch))
    x, y = (np.asarray(part) for part in batch)
    if x.ndim < 2 or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"{name}: expected as many labels as images, found shapes {x.shape} and {y.shape}")
    return x, y


def _writable(x: Array) -> Array:
    return x if x.flags.writeable else x.copy()


def _channels_first(shape: tuple[int, ...], layout: str | None) -> bool:
    if len(shape) != 4:
        raise ValueError(f"cutmix: expected images of 3 dimensions, found batches of shape {shape}")
    if layout is not None:
        return layout == "NCHW"
    first, last = shape[1] in (1, 3, 4), shape[3] in (1, 3, 4)
    if first == last:
        raise ValueError(f"layout: expected NCHW or NHWC, since shape {shape} leaves it open")
    return first


def _interval(n: int, length: int, place: float) -> slice:
    """Return the interval of `length` pixels centred at `place * n`, clipped to [0, n)."""
    start = int(place * n) - length // 2
    return slice(max(start, 0), min(start + length, n))
