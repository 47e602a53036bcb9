# SPDX-License-Identifier: MIT
"""Where the bytes of each sample are: arrays in files, folders of images, CSV tables, series."""
