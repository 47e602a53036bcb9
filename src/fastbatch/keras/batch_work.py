# SPDX-License-Identifier: MIT
"""Decoded images -> a batch: parameters are drawn in Keras's order, then the threads work the pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .config import floatx
from .draws import Parameters, rows_of, uniform_draws
from .image_utils import Array

if TYPE_CHECKING:
    from .ahead import Ahead
    from .file_decoder import Images
    from .image_data_generator import ImageDataGenerator

METHODS = ("get_random_transform", "apply_transform", "standardize")


class BatchWork:
    """Fills the batches of one iterator."""

    def __init__(self, ahead: Ahead) -> None:
        self._ahead = ahead

    def fill(self, batch_x: Array, images: Images, generator: Any, data_format: str) -> None:
        """Fill a batch with decoded files."""
        is_first = data_format == "channels_first"
        dtype = floatx()

        def image(i: int) -> Array:
            x = np.array(images[i], dtype=dtype)
            return x.transpose(2, 0, 1) if is_first else x

        if generator:
            self._fill(batch_x, image, generator)
        else:
            for i in range(len(batch_x)):
                batch_x[i] = image(i)

    def fill_from(self, batch_x: Array, x: Array, index_array: Array, generator: Any, data_format: str) -> None:
        """Fill a batch with images of an array."""
        self._fill(batch_x, lambda i: x[index_array[i]].astype(batch_x.dtype), generator)

    def _fill(self, batch_x: Array, image: Callable[[int], Array], generator: Any) -> None:
        n = len(batch_x)
        if not is_plain(generator) or generator.preprocessing_function:
            for i in range(n):
                x = image(i)
                x = generator.apply_transform(x, generator.get_random_transform(x.shape))
                batch_x[i] = generator.standardize(x)
            return
        parameters = draw_batch(generator, batch_x.shape[1:], n)

        def work(start: int, stop: int) -> None:
            for i in range(start, stop):
                batch_x[i] = generator.standardize(generator.apply_transform(image(i), parameters[i]))

        self._ahead.run(work, n)


def is_plain(generator: Any) -> bool:
    """Return whether a generator does what this package's class does: nothing of it is overridden."""
    from .image_data_generator import ImageDataGenerator

    if not isinstance(generator, ImageDataGenerator):
        return False
    own = vars(generator)
    return all(
        name not in own and getattr(type(generator), name) is getattr(ImageDataGenerator, name) for name in METHODS
    )


def draw_batch(generator: ImageDataGenerator, shape: tuple[int, ...], n: int) -> list[Parameters]:
    """Draw the parameters of n images of one shape, as n calls of `get_random_transform` do."""
    rows, columns = shape[generator.row_axis - 1], shape[generator.col_axis - 1]
    draws = uniform_draws(generator, rows, columns)
    if draws is None:
        return [generator.get_random_transform(shape) for _ in range(n)]
    return rows_of(draws.draw(n), n)
