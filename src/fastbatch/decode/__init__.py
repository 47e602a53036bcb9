# SPDX-License-Identifier: MIT
"""The conversion of a sample into its slot of the batch: the options, checked for both implementations."""
