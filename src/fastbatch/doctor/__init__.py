# SPDX-License-Identifier: MIT
"""`fastbatch doctor`: runs a training script unchanged, and says whether and why it waits for data."""
