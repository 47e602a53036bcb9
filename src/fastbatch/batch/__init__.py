# SPDX-License-Identifier: MIT
"""Batches: columns, their structure, and pickling."""
