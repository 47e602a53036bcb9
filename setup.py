# SPDX-License-Identifier: MIT
"""Builds `fastbatch._core` (pybind11, from csrc/) and the Cython modules of src/fastbatch; the rest: pyproject.toml.

Environment: FASTBATCH_BUILD_JOBS (number of parallel compilers), CC, CXX, CFLAGS (or CXXFLAGS), LDFLAGS, and
those of packaging/native_libraries.py.
"""

import contextlib
import functools
import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

sys.path.insert(0, str(Path(__file__).parent / "packaging"))
from native_libraries import give_up, library_flags  # of this checkout
from sbom import write_sbom
from units import compile_one, is_stale, write_units


class BuildExt(build_ext):
    """Checks compiler and libraries only before compiling, so that metadata and sdist need neither."""

    def run(self):
        if self.inplace or getattr(self, "editable_mode", False):
            self.build_temp = f"build/{sys.implementation.cache_tag}"  # kept for incremental builds
        super().run()

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            self.take_clang()
        else:
            self.check_compiler()
        cflags, ldflags = library_flags()
        for extension in self.extensions:
            if isinstance(extension, Pybind11Extension):
                extension.sources = write_units(extension.sources, f"{self.build_temp}/units")
                extension.include_dirs.append(f"{self.build_temp}/units")
                extension.extra_compile_args += cflags
                extension.extra_link_args += ldflags
            else:
                extension.cython_c_in_temp = True  # keeps generated C out of src/
        if self.compiler.compiler_type != "msvc":
            self.compiler._compile = functools.partial(compile_one, self.compiler._compile)
        super().build_extensions()

    def take_clang(self):
        """Compile with clang-cl: the kernels of Highway are slow, or not compiled at all, with Microsoft's compiler."""
        self.compiler.initialize()
        self.compiler.cc = shutil.which("clang-cl") or give_up("the C++ compiler `clang-cl` is missing")

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


class BdistWheel(bdist_wheel):
    def write_wheelfile(self, wheelfile_base, **options):
        super().write_wheelfile(wheelfile_base, **options)
        write_sbom(Path(wheelfile_base), self.distribution.get_version())


def platform_folders():
    """Return the folders of csrc/platform for the system to build for, as csrc/CMakeLists.txt does."""
    folders = {"linux": ["posix", "linux"], "darwin": ["posix", "macos"], "win32": ["windows"]}.get(sys.platform)
    if folders is None:
        raise SystemExit(f"fastbatch runs on Linux, macOS and Windows, not on {sys.platform}")
    return folders


CLANG_CL = ["/clang:-O3", "/clang:-ffp-contract=off", "/DNOMINMAX", "/DWIN32_LEAN_AND_MEAN", "/D_WIN32_WINNT=0x0A00"]
own = [path for folder in platform_folders() for path in Path("csrc/platform", folder).glob("*.cpp")]
everywhere = [path for path in Path("csrc").rglob("*.cpp") if path.parts[1] != "platform"]
sources = sorted(path.as_posix() for path in [*own, *everywhere])
# The user's flags count: newer versions of setuptools do not give CFLAGS to C++. Python's own -g is a third of the
# compiler's time. -MMD would leave out the kernels, which a header of Highway's includes.
given = shlex.split(os.environ.get("CXXFLAGS") or os.environ.get("CFLAGS", ""))
GCC = ["-O3", "-g0", *given, "-ffp-contract=off", "-fvisibility=hidden", "-pthread", "-MD"]
core = Pybind11Extension(
    "fastbatch._core",
    sources,
    include_dirs=["csrc", "src/fastbatch/include"],
    depends=[*sources, *sorted(str(path) for folder in ("csrc", "src") for path in Path(folder).rglob("*.h"))],
    cxx_std=20,
    extra_compile_args=CLANG_CL if sys.platform == "win32" else GCC,
    extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
)
words = [Extension(f"fastbatch.{p.stem}", [str(p)], ["csrc"]) for p in sorted(Path("src/fastbatch").glob("*.pyx"))]
_ = os.environ.get("CXX") == "" and os.environ.pop("CXX")  # setuptools would run a compiler without a name
compile_in_parallel = ParallelCompile("FASTBATCH_BUILD_JOBS", needs_recompile=is_stale)
try:
    multiprocessing.Lock()
except (ImportError, OSError):  # /dev/shm is missing or read-only: no semaphores, hence one compiler
    compile_in_parallel = contextlib.nullcontext()
with compile_in_parallel:
    setup(ext_modules=[core, *words], cmdclass={"build_ext": BuildExt, "bdist_wheel": BdistWheel})
