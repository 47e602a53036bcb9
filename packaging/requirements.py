# SPDX-License-Identifier: MIT
"""Prints the requirements of some optional-dependencies in pyproject.toml, one per line; `build`: of the build."""

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

pyproject = tomllib.loads(Path(__file__, "../../pyproject.toml").resolve().read_text())
project = pyproject["project"]
groups = {**project["optional-dependencies"], "build": pyproject["build-system"]["requires"] + project["dependencies"]}
for name in sys.argv[1:]:
    print("\n".join(groups[name]))
