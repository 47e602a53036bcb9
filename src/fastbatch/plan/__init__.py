# SPDX-License-Identifier: MIT
"""The order of samples: shuffling, subsets, shards, weighted sampling, and the random streams of samples."""
