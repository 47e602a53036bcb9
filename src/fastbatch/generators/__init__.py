# SPDX-License-Identifier: MIT
"""Loaders over the user's own Python code: generator functions, classes, streams."""
