# SPDX-License-Identifier: MIT
"""Checks a repaired wheel: its tag, its libraries, the typing files and the licence texts.

    python packaging/check_wheel.py wheelhouse/fastbatch-*.whl

The libraries are either all bundled beside the extension (auditwheel; a distribution's shared libraries) or all linked
statically (cibuildwheel; packaging/build_libraries.sh).
"""

import re
import sys
import zipfile
from pathlib import Path

BUNDLED = {"libjpeg", "libhwy", "libdeflate", "libwebp", "libwebpdemux"}  # zlib is part of every manylinux platform
NEEDED = ["fastbatch/__init__.py", "fastbatch/py.typed", "fastbatch/_core.pyi"]
LICENSES = ["LICENSE", "libjpeg-turbo.txt", "highway.txt", "zlib.txt", "libdeflate.txt", "libwebp.txt"]


def problems(wheel: Path) -> list[str]:
    """Return a list of the problems of a wheel."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tag = wheel.stem.split("-")[-1]
    if not re.match(r"(manylinux|musllinux)_\d+_\d+_", tag):
        found.append(f"platform tag: expected manylinux_*, found {tag}")
    modules = [name for name in names if re.fullmatch(r"fastbatch/_core\.[^/]*\.so", name)]
    if len(modules) != 1:
        found.append(f"extension: expected one fastbatch/_core.*.so, found {modules}")
    libraries = {match[1] for name in names if (match := re.match(r"fastbatch\.libs/(lib[a-z]+)", name))}
    if libraries not in (set(), BUNDLED):
        found.append(f"bundled libraries: expected {sorted(BUNDLED)} or none, found {sorted(libraries)}")
    found += [f"missing: {name}" for name in NEEDED if name not in names]
    licenses = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    found += [f"missing licence text: {name}" for name in LICENSES if name not in licenses]
    found += [f"does not belong in a wheel: {name}" for name in names if name.endswith((".cpp", ".pyx", ".c", ".o"))]
    return found


if __name__ == "__main__":
    wheel = Path(sys.argv[1])
    if errors := problems(wheel):
        sys.exit(f"{wheel.name}:\n  " + "\n  ".join(errors))
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, as it should be")
