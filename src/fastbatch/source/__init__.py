# SPDX-License-Identifier: MIT
"""Sources of samples: array files, image folders, CSV tables, time series."""
