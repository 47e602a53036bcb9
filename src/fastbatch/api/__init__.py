# SPDX-License-Identifier: MIT
"""The functions that users call, one family per file: they check arguments and connect sources, columns and loaders."""
