# SPDX-License-Identifier: MIT
"""Compares two result files; exits with 1 if the second is worse by more than the margin.

python bench/compare.py OLD.json NEW.json [--margin 0.1]
"""

from __future__ import annotations

import sys

from fastbatch.bench.compare import main

if __name__ == "__main__":
    sys.exit(main())
