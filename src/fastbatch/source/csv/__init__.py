# SPDX-License-Identifier: MIT
"""CSV files: options, rows, and the parsers that read them."""
