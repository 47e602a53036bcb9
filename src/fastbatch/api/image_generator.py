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
    """Return a generator of `(images, labels)` without end, shuffled anew in each pass over the files.

    Args:
        image_paths, labels: One label for each path.
        batch_size: The last batch of a pass may be short.
        size, shuffle, seed, layout, image_options: As for `images`: float32 in [0, 1], (batch, height, width, 3),
            unless told otherwise.
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
