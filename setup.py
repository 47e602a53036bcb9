# SPDX-License-Identifier: MIT
"""Builds `fastbatch._core` (pybind11, from csrc/) and the Cython modules of src/fastbatch; the rest: pyproject.toml.

Environment: FASTBATCH_JPEG_ROOT (a libjpeg-turbo prefix that replaces pkg-config's), FASTBATCH_BUILD_JOBS (number of
parallel compilers), PKG_CONFIG, CC, CXX, CFLAGS, LDFLAGS.
"""

import contextlib
import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import Extension, setup

LIBRARIES = {"libjpeg": "2.0", "libwebpdemux": "1.0", "libdeflate": "1.9", "zlib": "1.2", "libhwy": "1.0.2"}
REMEDY = """
  Debian, Ubuntu:  sudo apt install g++ pkg-config python3-dev lib{jpeg,webp,deflate,hwy}-dev zlib1g-dev
  Fedora, RHEL:    sudo dnf install gcc-c++ python3-devel {libjpeg-turbo,libwebp,libdeflate,zlib,highway}-devel
  conda, no root:  conda install cxx-compiler pkg-config libjpeg-turbo libwebp-base libdeflate zlib libhwy
  A checkout:      ./dev setup   (does this for you on Debian and Ubuntu, with or without root)"""


def give_up(problem):
    raise SystemExit(f"\nfastbatch cannot be compiled: {problem}. To install what it needs:\n{REMEDY}\n")


def pkg_config(*arguments):
    command = [*shlex.split(os.environ.get("PKG_CONFIG") or "pkg-config"), *arguments]
    if shutil.which(command[0]) is None:
        give_up(f"the program `{command[0]}`, which finds the libraries, is missing")
    return subprocess.run(command, capture_output=True, text=True, check=False)


def library_flags():
    """Return the libraries' compiler and linker flags, or exit with a message that names a missing one."""
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


def is_stale(obj, source):
    """Return whether an object file is older than its source, a header it includes (-MMD) or this file."""
    rule = Path(obj).with_suffix(".d")
    if not (Path(obj).is_file() and rule.is_file()):
        return True
    inputs = [source, __file__, *shlex.split(rule.read_text().replace("\\\n", " ").partition(":")[2])]
    return any(not Path(f).is_file() or Path(f).stat().st_mtime > Path(obj).stat().st_mtime for f in inputs)


class BuildExt(build_ext):
    """Checks compiler and libraries only before compiling, so that metadata and sdist need neither."""

    def run(self):
        if self.inplace or getattr(self, "editable_mode", False):
            self.build_temp = f"build/{sys.implementation.cache_tag}"  # kept for incremental builds
        super().run()

    def build_extensions(self):
        self.check_compiler()
        cflags, ldflags = library_flags()
        for extension in self.extensions:
            if isinstance(extension, Pybind11Extension):
                extension.extra_compile_args += cflags
                extension.extra_link_args += ldflags
            else:
                extension.cython_c_in_temp = True  # keeps generated C out of src/
        super().build_extensions()

    def check_compiler(self):
        command = getattr(self.compiler, "compiler_so_cxx", None) or self.compiler.compiler_so
        program = command["ccache" in command[0]]
        if shutil.which(program) is None:
            give_up(f"the C++ compiler `{program}` is missing")
        includes = [f"-I{folder}" for folder in self.include_dirs or []]
        problems = {"span": f"`{program}` does not know C++20", "Python.h": "Python's headers are missing"}
        for header, problem in problems.items():
            check = [*command, "-std=c++20", *includes, "-fsyntax-only", "-x", "c++", "-"]
            probe = subprocess.run(check, input=f"#include <{header}>\n", capture_output=True, text=True, check=False)
            if probe.returncode != 0:
                give_up(problem)


sources = sorted(map(str, Path("csrc").rglob("*.cpp")))
no_debug = [] if "-g" in os.environ.get("CFLAGS", "") else ["-g0"]  # Python's own -g is a third of the compiler's time
core = Pybind11Extension(
    "fastbatch._core",
    [path for path in sources if "/bindings/" not in path or "/unit_" in path],  # units include the other bindings
    include_dirs=["csrc", "src/fastbatch/include"],
    depends=[*sources, *sorted(str(path) for folder in ("csrc", "src") for path in Path(folder).rglob("*.h"))],
    cxx_std=20,
    extra_compile_args=["-O3", *no_debug, "-ffp-contract=off", "-fvisibility=hidden", "-pthread", "-MMD"],
    extra_link_args=["-pthread"],
)
words = [Extension(f"fastbatch.{p.stem}", [str(p)], ["csrc"]) for p in sorted(Path("src/fastbatch").glob("*.pyx"))]
_ = os.environ.get("CXX") == "" and os.environ.pop("CXX")  # setuptools would run a compiler without a name
compile_in_parallel = ParallelCompile("FASTBATCH_BUILD_JOBS", needs_recompile=is_stale)
try:
    multiprocessing.Lock()
except (ImportError, OSError):  # /dev/shm is missing or read-only: no semaphores, hence one compiler
    compile_in_parallel = contextlib.nullcontext()
with compile_in_parallel:
    setup(ext_modules=[core, *words], cmdclass={"build_ext": BuildExt})
