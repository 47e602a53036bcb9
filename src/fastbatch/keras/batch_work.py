# SPDX-License-Identifier: MIT
"""Decoded images -> a batch: draw the parameters in Keras's order, then process the pixels in parallel.

Three paths give the same result. `kernels.change_batch` does everything it supports. Other options run image by image
through the generator's own methods, in the thread pool. A generator with overridden methods, or with a user function
that may draw random numbers, runs image by image in one thread, as in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.native import kernels

from .affine import NATIVE_MODES, affine_matrices, can_warp
from .config import floatx
from .draws import UniformDraws, columns_of, rows_of, uniform_draws
from .image_utils import Array, pillow

if TYPE_CHECKING:
    from .file_decoder import Images
    from .image_data_generator import ImageDataGenerator
    from .prefetcher import Prefetcher

METHODS = ("get_random_transform", "apply_transform", "standardize")
MOVES = ("theta", "tx", "ty", "shear", "zx", "zy")
WORTH_A_THREAD = 1 << 16  # elements of a batch; smaller batches use one thread


class BatchWork:
    """Fills the batches of one iterator."""

    def __init__(self, prefetcher: Prefetcher) -> None:
        self._prefetcher = prefetcher
        self._function_draws = False  # the user's preprocessing_function draws from NumPy's global generator

    def fill(self, batch_x: Array, images: Images, generator: Any, data_format: str) -> None:
        """Fill a batch from decoded files."""
        x = images if images.wide else images.pixels
        is_first = data_format == "channels_first"
        if generator:
            self._fill(batch_x, x, np.arange(len(batch_x)), generator, np.dtype(floatx()), is_first)
        else:
            for i in range(len(batch_x)):
                batch_x[i] = _converted(x[i], floatx(), is_first)

    def fill_from(self, batch_x: Array, x: Array, index_array: Array, generator: Any) -> None:
        """Fill a batch from an array of images."""
        self._fill(batch_x, x, index_array, generator, batch_x.dtype)

    def _fill(
        self, batch_x: Array, x: Any, places: Array, generator: Any, dtype: np.dtype[Any], turn: bool = False
    ) -> None:
        """Fill a batch with `x[place]` for each place, as `dtype`; `turn` moves channels from last to first."""
        n = len(batch_x)

        def image(i: int) -> Array:
            return _converted(x[places[i]], dtype, turn)

        def step_by_step(start: int, stop: int) -> None:
            for i in range(start, stop):
                one = image(i)
                one = generator.apply_transform(one, generator.get_random_transform(one.shape))
                batch_x[i] = generator.standardize(one)

        if n == 0:
            return
        if not is_plain(generator):
            step_by_step(0, n)
            return
        rows, columns = batch_x.shape[generator.row_axis], batch_x.shape[generator.col_axis]
        draws = uniform_draws(generator, rows, columns)
        function = generator.preprocessing_function
        is_native = dtype == np.float32 and not turn and can_change(generator, x, batch_x)
        if function and (draws is None or self._function_draws or not is_native):
            step_by_step(0, n)
        elif function and draws is not None:
            done = self._fill_with_function(batch_x, x, places, generator, draws)
            step_by_step(done, n)
        else:
            drawn = draws.draw(n) if draws is not None else columns_of(generator, batch_x.shape[1:], n)
            if is_native and not needs_whole_image(generator):
                change(generator, x, places, drawn, batch_x, generator.rescale or 1.0)
                self._center(batch_x, generator)
                return
            parameters = rows_of(drawn, n)

            def work(start: int, stop: int) -> None:
                for i in range(start, stop):
                    batch_x[i] = generator.standardize(generator.apply_transform(image(i), parameters[i]))

            self._prefetcher.run(work, n)

    def _fill_with_function(
        self, batch_x: Array, x: Any, places: Array, generator: ImageDataGenerator, draws: UniformDraws
    ) -> int:
        """Draw for the whole batch first, but call the user's function with the random state that Keras would have.

        Returns:
            The number of finished images: fewer than all if the function itself draws random numbers.
        """
        before = np.random.get_state()
        changed = np.empty_like(batch_x)
        change(generator, x, places, draws.draw(len(batch_x)), changed, 1.0)
        np.random.set_state(before)
        for i in range(len(batch_x)):
            np.random.random_sample(draws.per_image)
            state = _state()
            batch_x[i] = generator.standardize(changed[i])
            if _state() != state:
                self._function_draws = True
                return i + 1
        return len(batch_x)

    def _center(self, batch_x: Array, generator: ImageDataGenerator) -> None:
        """Apply the featurewise mean and standard deviation."""
        mean, std = generator.mean, generator.std
        if not generator.featurewise_center and not generator.featurewise_std_normalization:
            return

        def work(start: int, stop: int) -> None:
            part = batch_x[start:stop]
            if generator.featurewise_center:
                part -= mean
            if generator.featurewise_std_normalization:
                part /= std + 1e-6  # type: ignore[operator]

        self._prefetcher.run(work, len(batch_x))


def is_plain(generator: Any) -> bool:
    """Return whether no method of this package's generator class is overridden."""
    from .image_data_generator import ImageDataGenerator

    if not isinstance(generator, ImageDataGenerator):
        return False
    own = vars(generator)
    return all(
        name not in own and getattr(type(generator), name) is getattr(ImageDataGenerator, name) for name in METHODS
    )


def can_change(generator: ImageDataGenerator, x: Any, batch_x: Array) -> bool:
    """Return whether `kernels.change_batch` can apply the random changes to these images."""
    if not isinstance(x, np.ndarray) or generator.data_format != "channels_last" or batch_x.dtype != np.float32:
        return False
    if x.dtype not in (np.uint8, np.float32) or x.ndim != 4 or not x.flags.c_contiguous:
        return False
    if not can_warp(generator.interpolation_order, generator.fill_mode):
        return False
    is_8_bit = x.dtype == np.uint8 and (generator.fill_mode != "constant" or 0 <= generator.cval <= 255)
    return generator.brightness_range is None or (is_8_bit and x.shape[3] in (1, 3) and floatx() == "float32")


def needs_whole_image(generator: ImageDataGenerator) -> bool:
    """Return whether standardisation needs more than arithmetic on single elements."""
    is_unfitted = (generator.featurewise_center and generator.mean is None) or (
        generator.featurewise_std_normalization and generator.std is None
    )
    return bool(
        generator.samplewise_center or generator.samplewise_std_normalization or generator.zca_whitening or is_unfitted
    )


def change(
    generator: ImageDataGenerator, x: Array, places: Array, drawn: dict[str, Array], out: Array, scale: float
) -> None:
    """Apply the drawn changes to `x[place]` for each place, in native code."""
    options: dict[str, Any] = {}
    moved = {name: drawn[name] for name in MOVES if name in drawn}
    if moved:
        if "tx" in moved or "ty" in moved:
            zeros = np.zeros(len(places))
            moved = {"tx": zeros, "ty": zeros, **moved}
        matrices, offsets, moves = affine_matrices(moved, (x.shape[1], x.shape[2]))
        options.update(moves=moves, matrices=matrices, offsets=offsets, order=int(generator.interpolation_order))
        options.update(fill=NATIVE_MODES.index(generator.fill_mode), cval=float(generator.cval))
    if "flip_horizontal" in drawn or "flip_vertical" in drawn:
        flips = np.zeros((len(places), 2), dtype=bool)
        for axis, name in enumerate(("flip_vertical", "flip_horizontal")):
            if name in drawn:
                flips[:, axis] = drawn[name]
        options["flips"] = flips
    if "channel_shift_intensity" in drawn:
        options["shifts"] = drawn["channel_shift_intensity"]
    if "brightness" in drawn:
        options["brightness"] = brightness_tables(drawn["brightness"])
    threads = kernels.available_cpus() if out.size > WORTH_A_THREAD else 1
    kernels.change_batch(x, places, out, **options, scale=scale, threads=threads)


def brightness_tables(factors: Array) -> Array:
    """Return a table per brightness factor: Pillow's result for each 8-bit value."""
    from PIL import ImageEnhance

    ramp = pillow().fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    tables = [np.asarray(ImageEnhance.Brightness(ramp).enhance(factor))[0] for factor in factors.tolist()]
    return np.array(tables, dtype=np.float32)


def _converted(image: Array, dtype: Any, turn: bool) -> Array:
    x: Array = image.astype(dtype)
    return x.transpose(2, 0, 1) if turn else x


def _state() -> tuple[Any, ...]:
    """Return a value that changes when NumPy's global generator is used."""
    _, keys, position, has_gauss, _ = np.random.get_state()
    return position, int(keys[0]), int(keys[-1]), has_gauss
