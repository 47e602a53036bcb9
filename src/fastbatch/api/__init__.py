# SPDX-License-Identifier: MIT
"""The functions that users call, one file a family: they check arguments and wire loaders together."""
