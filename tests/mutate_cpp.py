# SPDX-License-Identifier: MIT
"""Plants single faults in the C++ core and says which of them its own tests do not notice: `./dev mutate cpp [FILES]`.

        python tests/mutate_cpp.py --faults 20 --seed 1       faults drawn from all files
        python tests/mutate_cpp.py csrc/plan/mixture.cpp --faults 0      every fault of one file

A fault is one changed operator or constant, or a statement left out, in a copy of the core, which is compiled once
without optimization. A fault that does not compile is not counted. The behaviour tests in Python notice some of those
that survive here: plant these by hand, `./dev setup`, and run the tests of the function.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutate"
PROGRAM = [str(WORK / "cpp" / "fastbatch_tests"), "--abort-after=1", "--no-version"]
LEFT_OUT = ("bindings", "kernels", "platform")  # need Python, are tested against definitions, are one system's
CHANGES = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r" / ", " * "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bstd::min\b", "std::max"), (r"\bstd::max\b", "std::min"),
    (r"(?<=[ (])!(?=[a-z(])", ""), (r"(?<= )1(?=[;)])", "2"), (r"^ +[a-z_.\[\]>-]+(\(.*\)| [-+|]?= .*);$", "  ;"),
]  # fmt: skip


class Fault(NamedTuple):
    """The characters [start, stop) of a line, counted from 0, replaced by a text."""

    file: Path
    line: int
    start: int
    stop: int
    text: str

    def lines(self) -> list[str]:
        """Return the file's lines with the fault."""
        lines = self.file.read_text().splitlines()
        lines[self.line] = lines[self.line][: self.start] + self.text + lines[self.line][self.stop :]
        return lines

    def place(self) -> str:
        """Return the file and the line."""
        return f"{self.file.relative_to(ROOT)}:{self.line + 1}"

    def diff(self) -> str:
        """Return what the fault changes."""
        before = self.file.read_text().splitlines()[self.line]
        return f"{self.place()}\n    -{before}\n    +{self.lines()[self.line]}"


def faults_of(file: Path) -> list[Fault]:
    """Return the faults of a file: not in comments, messages and declarations of the preprocessor."""
    found = []
    for number, line in enumerate(file.read_text().splitlines()):
        code = line.partition("//")[0]
        if '"' in code or code.startswith("#") or re.search(r"\b(throw|static_assert|assert|using|template)\b", code):
            continue
        for pattern, text in CHANGES:
            found += [Fault(file, number, *one.span(), text) for one in re.finditer(pattern, code)]
    return found


def sources() -> list[Path]:
    """Return the files in which faults are planted."""
    files = sorted((ROOT / "csrc").rglob("*.cpp"))
    return [file for file in files if file.relative_to(ROOT).parts[1] not in LEFT_OUT]


def build(jobs: str) -> bool:
    """Compile the copy's tests; return whether that was possible."""
    command = ["cmake", "--build", str(WORK / "cpp"), "--target", "fastbatch_tests", "-j", jobs]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def prepare() -> None:
    """Copy what the tests are compiled from, and compile it. Unchanged files keep their times: little is compiled."""
    tree = WORK / "tree"
    for part in ("csrc", "tests/cpp", "src/fastbatch/include"):
        for file in (ROOT / part).rglob("*"):
            copy = tree / file.relative_to(ROOT)
            if file.is_file() and not (copy.is_file() and copy.read_bytes() == file.read_bytes()):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    flags = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g0 -D_GLIBCXX_ASSERTIONS"]
    flags.append('-DCMAKE_CXX_FLAGS=-DHWY_DISABLED_TARGETS="(HWY_SSSE3|HWY_SSE4|HWY_AVX3)"')
    subprocess.run(["cmake", "-S", tree / "csrc", "-B", WORK / "cpp", *flags], stdout=subprocess.DEVNULL, check=True)


def verdict(fault: Fault, limit_s: float, jobs: str) -> str:
    """Plant a fault in the copy, and return "caught", "late", "survived" or "not compiled"."""
    target = WORK / "tree" / fault.file.relative_to(ROOT)
    target.write_text("\n".join(fault.lines()) + "\n")
    try:
        if not build(jobs):
            return "not compiled"
        near = f"*test_{fault.file.relative_to(ROOT / 'csrc').parts[0]}*"  # these are quick, and notice most
        for tests in (f"--source-file={near}", f"--source-file-exclude={near}"):
            done = subprocess.run([*PROGRAM, tests], capture_output=True, timeout=limit_s, check=False)
            if done.returncode != 0:
                return "caught"
        return "survived"
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        shutil.copyfile(fault.file, target)


def main(arguments: list[str]) -> int:
    """Plant faults; the exit code is 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="default: all but bindings, kernels and platforms")
    parser.add_argument("--faults", type=int, default=20, help="how many; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300, help="of the tests, for one fault")
    options = parser.parse_args(arguments)
    jobs = os.environ.get("FASTBATCH_BUILD_JOBS") or str(os.cpu_count())
    prepare()
    if not build(jobs):
        sys.exit("the core without faults does not compile")
    if subprocess.run(PROGRAM, check=False).returncode != 0:
        sys.exit("the core without faults fails its tests")
    faults = [fault for file in options.files or sources() for fault in faults_of(file.resolve())]
    random.Random(options.seed).shuffle(faults)
    counts = {"caught": 0, "late": 0, "survived": 0, "not compiled": 0}
    for fault in faults:
        result = verdict(fault, options.seconds, jobs)
        counts[result] += 1
        print(f"{result}: {fault.diff() if result == 'survived' else fault.place()}", flush=True)
        if options.faults and sum(counts.values()) - counts["not compiled"] == options.faults:
            break
    print(f"faults planted: {', '.join(f'{n} {result}' for result, n in counts.items())}")
    return int(counts["survived"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
