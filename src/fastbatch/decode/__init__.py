# SPDX-License-Identifier: MIT
"""How the bytes of a sample become an element of the batch: the options, checked for both implementations."""
