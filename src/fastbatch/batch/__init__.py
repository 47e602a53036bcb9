# SPDX-License-Identifier: MIT
"""Batches: columns, their nesting, and pickling."""
