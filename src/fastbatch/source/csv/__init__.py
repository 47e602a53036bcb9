# SPDX-License-Identifier: MIT
"""CSV files: options, parsers and the resulting table."""
