# SPDX-License-Identifier: MIT
"""Single images: conversion between files, Pillow images and arrays, as in `keras.utils`. Imports Pillow lazily."""

from __future__ import annotations

import io
import os
import pathlib
import warnings
from typing import Any

import numpy as np

from fastbatch.checks import shown
from fastbatch.source.local_file import open_regular

from .config import floatx, standardize_data_format

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
GRAYSCALE_MODES = ("L", "I;16", "I")  # modes that color_mode "grayscale" keeps
PILLOW_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}

Array = np.ndarray[Any, Any]


def pillow() -> Any:
    """Return the module PIL.Image.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("this needs Pillow: `pip install pillow`") from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Return an image file as a Pillow image.

    Args:
        path: Path of the file, or `io.BytesIO`.
        color_mode: "rgb", "rgba" or "grayscale"; "grayscale" keeps 16-bit and 32-bit images.
        target_size: (height, width) to resize to, in pixels; None keeps the size.
        interpolation: Pillow's name of the filter: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: Crop the image to the target's aspect ratio first, around its centre.

    Returns:
        A `PIL.Image.Image`.

    Raises:
        TypeError: `path` is of another type.
        ValueError: An unknown color mode or interpolation.
        OSError: The file cannot be read, or is not an image; the message names it.
        ImportError: Pillow is not installed.

    Example:
        >>> from fastbatch.keras import load_img
        >>> image = load_img("images/0.jpg", target_size=(70, 80))
        >>> image.size, image.mode
        ((80, 70), 'RGB')

    Source: Keras's `keras/src/utils/image_utils.py`.
    """
    img = open_img(path)
    if color_mode not in PILLOW_MODES:
        raise ValueError(f'color_mode: expected "grayscale", "rgb", or "rgba", found {shown(color_mode)}')
    if color_mode == "grayscale":
        is_wanted = img.mode in GRAYSCALE_MODES
    else:
        is_wanted = img.mode == PILLOW_MODES[color_mode]
    if not is_wanted:
        img = naming(path, lambda: img.convert(PILLOW_MODES[color_mode]))
    if target_size is None:
        return img
    size = (target_size[1], target_size[0])
    if img.size == size:
        return img
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation: expected one of {', '.join(INTERPOLATIONS)}, found {shown(interpolation)}")
    resample = pillow().Resampling[interpolation.upper()]
    box = middle_box(img.size, size) if keep_aspect_ratio else None
    return naming(path, lambda: img.resize(size, resample, box))


def open_img(path: Any) -> Any:
    """Return an image file opened by Pillow but not decoded; the file is read and closed."""
    module = pillow()
    if isinstance(path, io.BytesIO):
        return module.open(path)
    if not isinstance(path, (pathlib.Path, bytes, str)):
        raise TypeError(f"path: expected a path or io.BytesIO, found {type(path)}")
    with open_regular(path) as file:
        content = io.BytesIO(file.read())
    return naming(path, lambda: module.open(content))


def middle_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest centred box with the aspect ratio of `target`; sizes are (width, height)."""
    width, height = size
    cut_width = min(width, height * target[0] // target[1])
    cut_height = min(height, width * target[1] // target[0])
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    return left, top, left + cut_width, top + cut_height


def naming(path: Any, work: Any) -> Any:
    """Return the result of `work()`; an OSError without a file name is raised again with the name of the file."""
    try:
        return work()
    except OSError as error:
        if isinstance(path, io.BytesIO) or error.errno is not None:
            raise
        raise type(error)(f"{os.fsdecode(path)}: {str(error).split(' <')[0]}") from error


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """Return a Pillow image as an array of 3 dimensions.

    Args:
        img: A Pillow image, or an array of 2 or 3 dimensions.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        dtype: Type of the array; None: Keras's float type.

    Returns:
        Shape (height, width, channels), or (channels, height, width) for "channels_first".

    Raises:
        ValueError: An image of another number of dimensions, or an unknown format.

    Example:
        >>> from fastbatch.keras import img_to_array, load_img
        >>> x = img_to_array(load_img("images/0.jpg"))
        >>> x.shape, x.dtype
        ((280, 320, 3), dtype('float32'))

    Source: Keras's `keras/src/utils/image_utils.py`.
    """
    is_first = standardize_data_format(data_format) == "channels_first"
    x: Array = np.asarray(img, dtype=dtype or floatx())
    if x.ndim == 2:
        return x[np.newaxis] if is_first else x[:, :, np.newaxis]
    if x.ndim == 3:
        return x.transpose(2, 0, 1) if is_first else x
    raise ValueError(f"img: expected 2 or 3 dimensions, found shape {x.shape}")


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """Return an array of 3 dimensions as a Pillow image.

    Args:
        x: Array of shape (height, width, channels), or (channels, height, width) for "channels_first".
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        scale: Stretch the values to [0, 255].
        dtype: Type of the computation; None: Keras's float type.

    Returns:
        A `PIL.Image.Image`.

    Raises:
        ValueError: Not 3 dimensions; not 1, 3 or 4 channels; an unknown format.
        ImportError: Pillow is not installed.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import array_to_img
        >>> array_to_img(np.zeros((70, 80, 3))).size
        (80, 70)

    Source: Keras's `keras/src/utils/image_utils.py`.
    """
    is_first = standardize_data_format(data_format) == "channels_first"
    x = np.asarray(x, dtype=dtype or floatx())
    if x.ndim != 3:
        raise ValueError(f"x: expected one image of 3 dimensions, found shape {x.shape}")
    if is_first:
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - np.min(x)
        largest = np.max(x)
        if largest != 0:
            x /= largest
        x *= 255
    channels = x.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"x: expected 1, 3 or 4 channels, found {channels}")
    if channels == 1:
        x = x[:, :, 0]
        return pillow().fromarray(x.astype("int32" if np.max(x) > 255 else "uint8"))
    return pillow().fromarray(x.astype("uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Save an array as an image file.

    Args:
        path: Path of the file, or an open file, which needs `file_format`.
        x: Array of 3 dimensions, as for `array_to_img`.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        file_format: Pillow's name of the format; None: by the file's extension.
        scale: Stretch the values to [0, 255].
        kwargs: Options of `PIL.Image.Image.save`.

    Raises:
        ValueError: As for `array_to_img`.
        KeyError: A file format that Pillow does not know.
        OSError: The file cannot be written.
        ImportError: Pillow is not installed.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import load_img, save_img
        >>> save_img("black.png", np.zeros((70, 80, 3)), scale=False)
        >>> load_img("black.png").size
        (80, 70)

    Source: Keras's `keras/src/utils/image_utils.py`.
    """
    if file_format is None and isinstance(path, (str, pathlib.Path)):
        file_format = pathlib.Path(path).suffix[1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG has no transparency: the image is saved as RGB.", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)
