# SPDX-License-Identifier: MIT
"""Loaders: epochs, resume, shards, maps, and the protocols that an engine implements."""
