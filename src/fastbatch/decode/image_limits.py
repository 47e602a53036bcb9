# SPDX-License-Identifier: MIT
"""Resize filters and limits of sizes, for single images and for loaders of images."""

from __future__ import annotations

FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
MOST_SIDE = 65535  # pixels
MOST_PIXELS = 178_956_970  # Pillow's limit
SEEK_INDEX_BYTES = 64 << 20  # of the files of about 30,000 photographs of 0.2 megapixels, 4,000 of 12 megapixels
