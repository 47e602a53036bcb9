# SPDX-License-Identifier: MIT
"""`python -m fastbatch` is the `fastbatch` command."""

import sys

from fastbatch.command.cli import main

if __name__ == "__main__":
    sys.exit(main())
