# SPDX-License-Identifier: MIT
"""Pictures and tables of what a loader gives."""
