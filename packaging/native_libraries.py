# SPDX-License-Identifier: MIT
"""Compiler and linker flags of the libraries that the core is linked with, for setup.py.

Environment: FASTBATCH_LIBRARIES (a prefix made by build_libraries.sh, whose static libraries are linked),
FASTBATCH_JPEG_ROOT (a libjpeg-turbo prefix that replaces pkg-config's), PKG_CONFIG.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

LIBRARIES = {"libjpeg": "2.0", "libwebpdemux": "1.0", "libdeflate": "1.9", "zlib": "1.2", "libhwy": "1.0.2"}
STATIC = ["jpeg", "webpdemux", "webp", "sharpyuv", "deflate", "z", "hwy"]  # users before what they use
REMEDY = """
  Debian, Ubuntu:  sudo apt install g++ pkg-config python3-dev lib{jpeg,webp,deflate,hwy}-dev zlib1g-dev
  Fedora, RHEL:    sudo dnf install gcc-c++ python3-devel {libjpeg-turbo,libwebp,libdeflate,zlib,highway}-devel
  conda, no root:  conda install cxx-compiler pkg-config libjpeg-turbo libwebp-base libdeflate zlib libhwy
  A checkout:      ./dev setup   (does this for you on Debian and Ubuntu, with or without root)"""


def give_up(problem):
    """Exit with a message that says how to install what is missing."""
    raise SystemExit(f"\nfastbatch cannot be compiled: {problem}. To install what it needs:\n{REMEDY}\n")


def pkg_config(*arguments):
    """Run pkg-config."""
    command = [*shlex.split(os.environ.get("PKG_CONFIG") or "pkg-config"), *arguments]
    if shutil.which(command[0]) is None:
        give_up(f"the program `{command[0]}`, which finds the libraries, is missing")
    return subprocess.run(command, capture_output=True, text=True, check=False)


def library_flags():
    """Return the libraries' compiler and linker flags, or exit with a message that names a missing one."""
    if prefix := os.environ.get("FASTBATCH_LIBRARIES"):
        return static_flags(Path(prefix))
    jpeg_root = os.environ.get("FASTBATCH_JPEG_ROOT")
    names = [name for name in LIBRARIES if not (jpeg_root and name == "libjpeg")]
    for name in names:
        if pkg_config("--atleast-version", LIBRARIES[name], name).returncode != 0:
            give_up(f"the library {name} {LIBRARIES[name]} or newer, with its headers, is missing")
    cflags = shlex.split(pkg_config("--cflags", *names).stdout)
    ldflags = shlex.split(pkg_config("--libs", *names).stdout)
    if jpeg_root:
        folders = [folder for folder in (Path(jpeg_root, "lib64"), Path(jpeg_root, "lib")) if folder.is_dir()]
        if not folders or not Path(jpeg_root, "include", "jpeglib.h").is_file():
            give_up(f"FASTBATCH_JPEG_ROOT={jpeg_root} holds no include/jpeglib.h and lib/")
        cflags = [f"-I{jpeg_root}/include", *cflags]
        ldflags = [*(flag for f in folders for flag in (f"-L{f}", f"-Wl,-rpath,{f}")), "-ljpeg", *ldflags]
    return cflags, ldflags


def static_flags(prefix):
    """Return the flags for a prefix made by build_libraries.sh: the static libraries themselves."""
    files = []
    for name in STATIC:
        patterns = [f"lib{name}.a", f"{name}.lib", f"lib{name}.lib", f"{name}-static.lib", f"{name}static.lib"]
        found = [path for pattern in patterns if (path := prefix / "lib" / pattern).is_file()]
        if not found:
            give_up(f"FASTBATCH_LIBRARIES={prefix} holds none of {', '.join(patterns)} in lib/")
        files.append(str(found[0]))
    return [f"-I{prefix / 'include'}"], files
