# SPDX-License-Identifier: MIT
"""Tar archives: samples that are groups of members, as WebDataset has them."""
