# SPDX-License-Identifier: MIT
"""`image_generator`: an endless generator of batches of images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Literal, SupportsIndex

from fastbatch.calls import takes

from .backend import Backend
from .images import images


@takes(images)
def image_generator(
    backend: Backend,
    /,
    image_paths: Sequence[Any],
    labels: Any,
    batch_size: SupportsIndex = 32,
    *,
    size: int | tuple[int, int] = 224,
    shuffle: bool | Literal["block"] = True,
    seed: SupportsIndex = 0,
    layout: Literal["NCHW", "NHWC"] = "NHWC",
    **image_options: Any,
) -> Generator[Any, None, None]:
    """Return an endless generator of batches `(images, labels)`, shuffled anew in each pass over the files.

    Args:
        image_paths: Paths of image files.
        labels: One label per path, as for `images`.
        batch_size: Images in a batch; the last batch of a pass may be smaller.
        size: (height, width) of the images in pixels, or one number for both.
        shuffle: A new random order in each pass; "block" as for `images`.
        seed: Together with the pass, determines the order and all random draws.
        layout: "NHWC" for images of shape (batch, height, width, 3), "NCHW" for (batch, 3, height, width).
        image_options: Remaining options: see `images`.

    Returns:
        A generator of (float32 images in [0, 1], labels).

    Raises:
        ValueError, TypeError: No files, labels of another number, or an option out of range.
        OSError, DecodeError: By `next()`: a file cannot be read or decoded.

    Example:
        >>> import fastbatch as fb
        >>> paths = ["images/0.jpg", "images/1.jpg", "images/2.jpg"]
        >>> batches = fb.image_generator(paths, [0, 1, 1], batch_size=2, size=64)
        >>> x, y = next(batches)
        >>> x.shape, x.dtype, y.dtype
        ((2, 64, 64, 3), dtype('float32'), dtype('int64'))
        >>> batches.close()

    Source: `src/fastbatch/api/image_generator.py`.
    """
    loader = images(
        backend,
        image_paths,
        labels,
        batch_size=batch_size,
        size=size,
        shuffle=shuffle,
        seed=seed,
        layout=layout,
        **image_options,
    )
    return _endless(loader)


def _endless(loader: Any) -> Generator[Any, None, None]:
    with loader:
        yield from loader.repeat()
