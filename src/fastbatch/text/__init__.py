# SPDX-License-Identifier: MIT
"""Loaders over the words and lines of text files."""
