# SPDX-License-Identifier: MIT
"""The compiled implementation: the only folder that imports `fastbatch._core`."""
