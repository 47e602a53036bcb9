# SPDX-License-Identifier: MIT
"""The loaders of a script and those of fastbatch side by side: are the batches the same, and how fast are both?"""
