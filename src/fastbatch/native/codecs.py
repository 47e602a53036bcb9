# SPDX-License-Identifier: MIT
"""Facts about the codecs of the core."""

from fastbatch._core import libjpeg_version

__all__ = ["libjpeg_version"]
