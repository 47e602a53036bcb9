# SPDX-License-Identifier: MIT
"""The `fastbatch` command."""
