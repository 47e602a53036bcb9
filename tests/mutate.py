# SPDX-License-Identifier: MIT
"""Plants single faults in the Python package and says which of them no test notices: `./dev mutate [FILES]`.

        python tests/mutate.py --record                 once: which test calls which function (minutes)
        python tests/mutate.py --record tests/test_x.py the same for new tests, added to what is known
        python tests/mutate.py --faults 100 --seed 1    plants 100 faults, drawn from all that the files allow
        python tests/mutate.py src/fastbatch/plan/plan.py --faults 0      every fault of one file
        python tests/mutate.py src/fastbatch/ray --faults 9 --tests tests/test_ray.py     without a record: these tests

A fault is one changed operator, constant, condition, argument or statement. It is planted in a copy of the package, so
that the checkout stays as it is. For each fault the tests run that call the changed function: first those that call the
fewest others, until one fails or `--seconds` have passed. A fault that no test notices is printed as a diff. Some
change nothing that can be observed (a limit of a message, a cache): read each of them.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "fastbatch"
RECORD = ROOT / "build" / "mutate" / "calls.json"
FOLDERS = ("plan", "loader", "batch", "source", "text", "generators", "decode", "torch", "ray", "doctor", "command")
LEFT_OUT = ("keras", "demo", "bench", "docs", "docstrings", "calls", "layout", "without_core")
COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is"}
COMPARISONS |= {"in": "not in", "not in": "in"}
ARITHMETIC = {"+": "-", "-": "+", "*": "//", "//": "*", "%": "*", "/": "*", "|": "&", "&": "|", "<<": ">>", "**": "*"}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
SYMBOLS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
    ast.FloorDiv: "//", ast.Mod: "%", ast.Div: "/", ast.BitOr: "|", ast.BitAnd: "&", ast.LShift: "<<", ast.Pow: "**",
}  # fmt: skip


class Fault(NamedTuple):
    """The bytes [start, stop) of a file replaced by others, in a function that begins in a line (0: outside of all)."""

    file: Path
    function: int
    start: int
    stop: int
    text: str

    def applied(self) -> str:
        """Return the file's text with the fault."""
        source = self.file.read_bytes()
        return (source[: self.start] + self.text.encode() + source[self.stop :]).decode()

    def diff(self) -> str:
        """Return what the fault changes, as a diff without context."""
        before, after = self.file.read_text().splitlines(), self.applied().splitlines()
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))
        place = lines[2].split()[1].lstrip("-").partition(",")[0]
        return "\n".join([f"{self.file.relative_to(ROOT)}:{place}", *(f"    {line}" for line in lines[3:])])


# ---- faults of a file ------------------------------------------------------------------------------------------------


class Planter:
    """Lists the faults of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._source = file.read_bytes()
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def faults(self) -> Iterator[Fault]:
        yield from self._inside(ast.parse(self._source), 0)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _text(self, node: ast.expr | ast.stmt) -> str:
        return self._source[slice(*self._span(node))].decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _inside(self, node: ast.AST, function: int) -> Iterator[Fault]:
        if _says_only(node):
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            lines = [node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]
            function = min(lines)
        if isinstance(node, (ast.expr, ast.stmt)):
            for text in self._changes(node):
                yield Fault(self._file, function, *self._span(node), text)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._inside(child, function)

    def _changes(self, node: ast.expr | ast.stmt) -> Iterator[str]:
        """Yield the texts that may replace a node."""
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            other = COMPARISONS[SYMBOLS[type(node.ops[0])]]
            yield f"({self._text(node.left)} {other} {self._text(node.comparators[0])})"
        elif isinstance(node, ast.BinOp) and type(node.op) in SYMBOLS:
            other = ARITHMETIC[SYMBOLS[type(node.op)]]
            yield f"({self._text(node.left)} {other} {self._text(node.right)})"
        elif isinstance(node, ast.BoolOp):
            words = (" and ", " or ") if isinstance(node.op, ast.And) else (" or ", " and ")
            values = [f"({self._text(value)})" for value in node.values]
            yield f"({words[1].join(values)})"
            for i in range(len(values)):
                yield f"({words[0].join(values[:i] + values[i + 1 :])})"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            yield f"({self._text(node.operand)})"
        elif isinstance(node, ast.IfExp):
            yield f"({self._text(node.body)})"
            yield f"({self._text(node.orelse)})"
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield str(not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield str(node.value + 1)
        elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
            yield NAMES[node.id]
        elif isinstance(node, ast.Call):
            yield from self._calls(node)
        elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Delete)) or _is_stored(node):
            yield "pass"

    def _calls(self, node: ast.Call) -> Iterator[str]:
        function = self._text(node.func)
        given = [*map(self._text, node.args), *(self._keyword(k) for k in node.keywords)]
        first = len(node.args)
        for i in range(first, len(given)):
            if node.keywords[i - first].arg is not None:
                yield f"{function}({', '.join(given[:i] + given[i + 1 :])})"
        if first >= 2 and not any(isinstance(argument, ast.Starred) for argument in node.args[:2]):
            yield f"{function}({', '.join([given[1], given[0], *given[2:]])})"

    def _keyword(self, keyword: ast.keyword) -> str:
        value = self._text(keyword.value)
        return f"**{value}" if keyword.arg is None else f"{keyword.arg}={value}"


def _is_stored(node: ast.AST) -> bool:
    """Return whether a statement stores into an attribute or an element: without it, the program still runs."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript))


def _says_only(node: ast.AST) -> bool:
    """Return whether a node is a message, a docstring, or only for type checkers."""
    if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Assert, ast.AnnAssign)):
        return not (isinstance(node, ast.AnnAssign) and node.value is not None)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__str__")


# ---- which tests call which functions --------------------------------------------------------------------------------


class Recorder:
    """A plugin of pytest: notes for each test the functions of the package that it calls, and its seconds."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self._called: set[tuple[str, int]] = set()

    def _profile(self, frame: Any, event: str, _: Any) -> None:
        if event == "call":
            self._called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    def pytest_runtest_setup(self, item: Any) -> None:
        self._called = set()
        self._begin = time.perf_counter()
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def pytest_runtest_teardown(self, item: Any, nextitem: Any) -> None:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        package = f"{PACKAGE}{os.sep}"
        called = [f"{os.path.relpath(file, ROOT)}:{line}" for file, line in self._called if file.startswith(package)]
        self.tests[item.nodeid] = {"calls": sorted(called), "seconds": time.perf_counter() - self._begin}


def record(files: list[Path]) -> int:
    """Run the suite once, or some of its files, and keep which test calls which function."""
    import pytest

    os.chdir(ROOT)
    recorder = Recorder()
    known = json.loads(RECORD.read_text()) if files and RECORD.is_file() else {}
    files = files or [f for f in sorted((ROOT / "tests").glob("test_*.py")) if not any(w in f.name for w in LEFT_OUT)]
    options = ["-q", "-p", "no:cacheprovider", "-m", "not slow", "--timeout=300"]
    code = pytest.main([*options, *map(str, files)], plugins=[recorder])
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(known | recorder.tests))
    return int(code)


def tests_for(fault: Fault, tests: dict[str, dict[str, Any]], seconds: float) -> list[str]:
    """Return the tests that call the fault's function, the most specific first, for at most about so many seconds."""
    file = fault.file.relative_to(ROOT).as_posix()
    place = f"{file}:{fault.function}"
    fitting = [name for name, test in tests.items() if place in test["calls"]]
    if not fitting:  # outside of functions, or in one that runs at import
        fitting = [name for name, test in tests.items() if any(c.startswith(f"{file}:") for c in test["calls"])]
    fitting.sort(key=lambda name: len(tests[name]["calls"]) + 100 * tests[name]["seconds"])
    # Tests of one function are alike: take some of each before all of any.
    rounds: dict[str, int] = {}
    order = []
    for position, name in enumerate(fitting):
        test = name.partition("[")[0]
        rounds[test] = rounds.get(test, 0) + 1
        order.append((rounds[test] // 4, position, name))
    chosen, left = [], seconds
    for _, _, name in sorted(order):
        left -= tests[name]["seconds"]
        if left < 0 and chosen:
            continue
        chosen.append(name)
        if len(chosen) == 400:
            break
    return chosen


# ---- planting --------------------------------------------------------------------------------------------------------


def verdict(fault: Fault, copy: Path, tests: list[str], limit_s: float) -> str:
    """Plant the fault in the copy of the package, and return "caught", "late" (it takes too long) or "survived"."""
    if not tests:
        return "survived"
    target = copy / fault.file.relative_to(ROOT / "src")
    target.write_text(fault.applied())
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout=60", *tests]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        shutil.copyfile(fault.file, target)
    return "survived" if done.returncode == 0 else "caught"


def drawn(files: list[Path], n: int, seed: int) -> list[Fault]:
    """Return `n` faults of the files, or all of them if `n` is 0; those that change no syntax tree are left out."""
    faults = [fault for file in files for fault in Planter(file).faults()]
    random.Random(seed).shuffle(faults)
    return list(itertools.islice(filter(_is_another_program, faults), n or None))


def _is_another_program(fault: Fault) -> bool:
    try:
        return ast.dump(ast.parse(fault.applied())) != ast.dump(ast.parse(fault.file.read_bytes()))
    except SyntaxError:
        return False


def main(arguments: list[str]) -> int:
    """Record the calls, or plant faults; the exit code is 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help=f"files or folders; default: {', '.join(FOLDERS)}")
    parser.add_argument("--record", action="store_true", help="run the suite once and note which test calls what")
    parser.add_argument("--faults", type=int, default=100, help="how many; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20, help="tests per fault")
    parser.add_argument("--tests", nargs="+", help="tests for every fault, in place of those that were recorded")
    options = parser.parse_args(arguments)
    if options.record or not (options.tests or RECORD.is_file()):
        code = record(options.files if options.record else [])
        if options.record:
            return code
    tests = {} if options.tests else json.loads(RECORD.read_text())
    given = [path.resolve() for path in options.files] or [PACKAGE / name for name in FOLDERS]
    files = [file for path in given for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    faults = drawn(files, options.faults, options.seed)
    counts = {"caught": 0, "late": 0, "survived": 0}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder, "fastbatch"), ignore=shutil.ignore_patterns("__pycache__"))
        for fault in faults:
            chosen = options.tests or tests_for(fault, tests, options.seconds)
            result = verdict(fault, Path(folder), chosen, 60 + 5 * options.seconds)
            counts[result] += 1
            if result == "survived":
                print(fault.diff(), flush=True)
    print(f"{len(faults)} faults planted: {', '.join(f'{n} {result}' for result, n in counts.items())}")
    return int(counts["survived"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
