# SPDX-License-Identifier: MIT
"""Keras's affine matrices for a batch of images, and the affine warp of one image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fastbatch.native import kernels

from .image_utils import Array

NATIVE_MODES = ("nearest", "constant", "reflect", "wrap")


def affine_matrices(parameters: Mapping[str, Array], size: tuple[int, int]) -> tuple[Array, Array, Array]:
    """Return the matrices (n, 2, 2) and offsets (n, 2) from output to input coordinates (row, column).

    Args:
        parameters: Arrays of length n; any of "theta", "shear" (degrees), "tx", "ty" (pixels), "zx", "zy" (factors).
        size: Rows and columns of the images.

    Returns:
        Matrices, offsets, and a mask of the images that are not left unchanged. The values are bit-identical to
            Keras's: Keras skips factors that are the identity, and multiplying by the identity is exact.
    """
    n = len(next(iter(parameters.values())))
    eye = np.broadcast_to(np.eye(3), (n, 3, 3))
    moves = np.zeros(n, dtype=bool)
    product = eye
    theta, shear = parameters.get("theta"), parameters.get("shear")
    if theta is not None:
        moves |= theta != 0
        angle = np.deg2rad(theta)
        rotation = eye.copy()
        rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
        rotation[:, 1, 0] = np.sin(angle)
        rotation[:, 0, 1] = -rotation[:, 1, 0]
        product = rotation
    if "tx" in parameters:
        moves |= (parameters["tx"] != 0) | (parameters["ty"] != 0)
        shift = eye.copy()
        shift[:, 0, 2], shift[:, 1, 2] = parameters["tx"], parameters["ty"]
        product = np.matmul(product, shift)
    if shear is not None:
        moves |= shear != 0
        angle = np.deg2rad(shear)
        slant = eye.copy()
        slant[:, 0, 1], slant[:, 1, 1] = -np.sin(angle), np.cos(angle)
        product = np.matmul(product, slant)
    if "zx" in parameters:
        moves |= (parameters["zx"] != 1) | (parameters["zy"] != 1)
        zoom = eye.copy()
        zoom[:, 0, 0], zoom[:, 1, 1] = parameters["zx"], parameters["zy"]
        product = np.matmul(product, zoom)
    to_middle, back = np.eye(3), np.eye(3)
    to_middle[:2, 2] = [size[0] / 2 - 0.5, size[1] / 2 - 0.5]
    back[:2, 2] = -to_middle[:2, 2]
    product = np.matmul(np.matmul(to_middle, product), back)
    # Keras composes the matrices in (x, y) and swaps both axes at the end.
    return product[:, 1::-1, 1::-1], product[:, 1::-1, 2], moves


def warp(image: Array, matrix: Array, offset: Array, order: int, mode: str, cval: float) -> Array:
    """Return one image (height, width, channels) warped: output pixel p is input pixel `matrix @ p + offset`.

    Native code handles float32 with orders 0 and 1 and the modes in `NATIVE_MODES`; SciPy handles the rest.

    Raises:
        RuntimeError: Unknown mode or order.
    """
    if image.dtype == np.float32 and can_warp(order, mode):
        images = np.ascontiguousarray(image)[np.newaxis]
        warped: Array = kernels.warp_batch(images, matrix[np.newaxis], offset[np.newaxis], int(order), mode, cval, 1)[0]
        return warped
    from scipy import ndimage

    planes: list[Array] = [
        ndimage.affine_transform(image[..., c], matrix, offset, order=order, mode=mode, cval=cval)
        for c in range(image.shape[2])
    ]
    stacked: Array = np.stack(planes, axis=-1)
    return stacked


def can_warp(order: int, mode: str) -> bool:
    """Return whether native code supports this order and mode."""
    return order in (0, 1) and mode in NATIVE_MODES
