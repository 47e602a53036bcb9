# SPDX-License-Identifier: MIT
"""Which sample goes where: shuffling, subsets, shards, weighted sampling, and the random streams of samples."""
