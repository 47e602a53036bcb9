# SPDX-License-Identifier: MIT
"""Checks a repaired wheel: its tag, size, libraries, SBOM, the typing files and the licence texts.

    python packaging/check_wheel.py [--static] WHEEL    # or a folder that holds one wheel

The libraries are either all bundled beside the extension (auditwheel; a distribution's shared libraries) or all linked
statically (build_libraries.sh), which `--static` requires.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

LIMITS = "fastbatch/bench/limits/"  # a program of `fastbatch bench`, compiled where it runs
BUNDLED = {"libjpeg", "libhwy", "libdeflate", "libwebp", "libwebpdemux"}  # zlib is part of every manylinux platform
STATIC = {"libjpeg-turbo", "highway", "libdeflate", "libwebp", "zlib"}
NEEDED = ["fastbatch/__init__.py", "fastbatch/py.typed", "fastbatch/_core.pyi"]
LICENSES = ["LICENSE", "libjpeg-turbo.txt", "highway.txt", "zlib.txt", "libdeflate.txt", "libwebp.txt"]
TAGS = r"(manylinux|musllinux)_\d+_\d+_(x86_64|aarch64)|macosx_\d+_\d+_(x86_64|arm64)|win_amd64"
MOST_BYTES = 8_000_000


def problems(wheel: Path, is_static: bool = False) -> list[str]:
    """Return a list of the problems of a wheel."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sboms = [json.loads(archive.read(name)) for name in names if re.search(r"\.dist-info/sboms/[^/]+$", name)]
    tag = wheel.stem.split("-")[-1]
    if not all(re.fullmatch(TAGS, one) for one in tag.split(".")):
        found.append(f"platform tag: expected manylinux, musllinux, macosx or win_amd64, found {tag}")
    if (size := wheel.stat().st_size) >= MOST_BYTES:
        found.append(f"size: expected less than {MOST_BYTES:,} bytes, found {size:,}")
    modules = [name for name in names if re.fullmatch(r"fastbatch/_core\.[^/]*\.(so|pyd)", name)]
    if len(modules) != 1:
        found.append(f"extension: expected one fastbatch/_core.*, found {modules}")
    libraries = {match[1] for name in names if (match := re.match(r"fastbatch\.libs/(lib[a-z]+)", name))}
    if libraries not in ((set(),) if is_static else (set(), BUNDLED)):
        expected = "none" if is_static else f"{sorted(BUNDLED)} or none"
        found.append(f"bundled libraries: expected {expected}, found {sorted(libraries)}")
    components = {one["name"] for sbom in sboms for one in sbom["components"]}
    if is_static and not components >= STATIC:
        found.append(f"SBOM: expected {sorted(STATIC)}, found {sorted(components)}")
    if not sboms:
        found.append("missing: .dist-info/sboms")
    found += [f"missing: {name}" for name in NEEDED if name not in names]
    licenses = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    found += [f"missing licence text: {name}" for name in LICENSES if name not in licenses]
    sources = (name for name in names if name.endswith((".cpp", ".pyx", ".c", ".o")))
    found += [f"does not belong in a wheel: {name}" for name in sources if not name.startswith(LIMITS)]
    return found


if __name__ == "__main__":
    *flags, path = sys.argv[1:]
    wheel = Path(path)
    if wheel.is_dir():
        (wheel,) = wheel.glob("*.whl")
    if errors := problems(wheel, is_static="--static" in flags):
        sys.exit(f"{wheel.name}:\n  " + "\n  ".join(errors))
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, as it should be")
