# SPDX-License-Identifier: MIT
"""Objects in stores (S3, Google Cloud Storage, Azure, HTTP, whatever fsspec knows), and the cache of their blocks."""
