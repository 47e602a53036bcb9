# SPDX-License-Identifier: MIT
"""Installs what the tests need, of what has a wheel for this Python and system; without the rest, tests skip."""

import subprocess
import sys
from pathlib import Path

INSTALL = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]


def main() -> None:
    """Install one at a time, and name what is left out."""
    listed = [sys.executable, str(Path(__file__).with_name("requirements.py")), "test"]
    for requirement in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines():
        if subprocess.run([*INSTALL, requirement], check=False, capture_output=True).returncode != 0:
            print(f"left out, without a wheel for this Python: {requirement}", flush=True)


if __name__ == "__main__":
    main()
