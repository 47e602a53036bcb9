# SPDX-License-Identifier: MIT
"""Resize filters and limits of sizes, for single images and for loaders of images."""

from __future__ import annotations

FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
MOST_SIDE = 65535  # pixels
MOST_PIXELS = 178_956_970  # Pillow's limit
