# SPDX-License-Identifier: MIT
"""Installs what the tests need, of what has a wheel for this Python and system; without the rest, tests skip.

python packaging/test_requirements.py [NAME...]    # only these
"""

import re
import subprocess
import sys
from pathlib import Path

INSTALL = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]


def install(*requirements: str) -> bool:
    """Return whether pip could install them."""
    return subprocess.run([*INSTALL, *requirements], check=False, capture_output=True).returncode == 0


def main(*names: str) -> None:
    """Install all at once, or else one at a time, and name what is left out."""
    listed = [sys.executable, str(Path(__file__).with_name("requirements.py")), "test"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines()
    chosen = [one for one in found if not names or re.split(r"[^\w.-]", one)[0] in names]
    if not install(*chosen):
        for requirement in chosen:
            if not install(requirement):
                print(f"left out, without a wheel for this Python: {requirement}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
