# SPDX-License-Identifier: MIT
"""The layout of the repository: directions of includes and imports, lengths of files, names in comments."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PYTHON = ROOT / "src/fastbatch"

# Each folder of csrc/, and the other folders that its files may include.
MAY_INCLUDE = {
    "common": set(),
    "platform": {"common"},
    "source": {"common", "platform"},
    "plan": {"common"},
    "kernels": {"common"},
    "batch": {"common", "platform"},
    "codecs": {"common", "platform", "source", "kernels"},
    "text": {"common", "source", "plan", "kernels"},
    "image": {"common", "kernels", "codecs"},
    "decode": {"common", "platform", "source", "plan", "kernels", "codecs", "image"},
    "loader": {"common", "platform", "source", "plan", "kernels", "batch", "decode"},
}
MAY_INCLUDE["bindings"] = set(MAY_INCLUDE)
# The packages and modules of src/fastbatch/ in layers, the lowest first: a file imports from its own layer and below.
FLOORS = [
    {"errors", "checks", "mapped", "calls", "locks", "system"},
    {"batch", "plan"},
    {"source"},
    {"decode"},
    {"preview", "profile"},
    {"loader"},
    {"text"},
    {"generators"},
    {"api"},
    {"native", "pure"},
    {"keras", "numba", "ray", "torch"},
    {"command", "demo", "bench", "doctor", "__main__", "__init__"},
]
STAGES = ["source", "plan", "decode", "batch", "loader", "kernels"]
CODE = {".cpp", ".h", ".py", ".pyi", ".pyx", ".pxd"}
MOST_LINES = 400
MOST_BODY_LINES = 60

if not CSRC.is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)


def code_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in CODE)


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), flags=re.MULTILINE)


def relative(paths) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_every_folder_of_the_core_has_its_place():
    assert {path.name for path in CSRC.iterdir() if path.is_dir()} == set(MAY_INCLUDE)


def test_includes_point_one_way():
    wrong = []
    for path in code_files("csrc"):
        stage = path.relative_to(CSRC).parts[0]
        for name in includes(path):
            target = name.split("/")[0]
            if target in MAY_INCLUDE and target != stage and target not in MAY_INCLUDE[stage]:
                wrong.append(f"{path.relative_to(ROOT)} includes {name}")
    assert not wrong


def test_includes_name_the_folder():
    """The include root is csrc/, so that an include is `stage/file.h`; `npy.h` alone would hide the folder."""
    bare = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path in code_files("csrc")
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), flags=re.MULTILINE)
        if not (CSRC / name).is_file() and not name.startswith("hwy/")
    ]
    assert not bare


def test_only_bindings_include_python():
    outside = [p for p in code_files("csrc", "tests/cpp", "bench") if CSRC / "bindings" not in p.parents]
    wrong = [p for p in outside if any(re.match(r"Python\.h|pybind11/|numpy/", name) for name in includes(p))]
    assert not relative(wrong)


def test_only_kernels_include_highway():
    outside = [path for path in code_files("csrc") if CSRC / "kernels" not in path.parents]
    assert not relative(path for path in outside if any(name.startswith("hwy/") for name in includes(path)))


# Headers that not all systems have, or that mean something else there.
SYSTEM_HEADERS = re.compile(
    r"(sys|linux|mach)/|(unistd|fcntl|dirent|sched|pthread|poll|dlfcn|cxxabi|windows|psapi)\.h$"
)


def test_only_the_platform_folder_knows_the_system():
    """One file a platform behind one header: no conditions on systems, and no headers of theirs, anywhere else."""
    wrong = []
    for path in code_files("csrc", "tests/cpp"):
        place = path.relative_to(CSRC if CSRC in path.parents else ROOT / "tests/cpp").parts[0]
        if place in {"platform", "posix", "linux", "macos", "windows"}:
            continue
        # Highway's targets, and versions of Python, are not systems.
        allowed = {"kernels": r"(defined\()?(FASTBATCH_|HWY_)", "bindings": r"PY_|Py_"}.get(place, r"$^")
        conditions = re.findall(r"^\s*#\s*(?:el)?if(?:n?def)?\s+(.+)$", path.read_text(), flags=re.MULTILINE)
        wrong += [f"{path.relative_to(ROOT)}: {one}" for one in conditions if not re.match(allowed, one)]
        wrong += [f"{path.relative_to(ROOT)} includes {name}" for name in includes(path) if SYSTEM_HEADERS.match(name)]
    assert not wrong


def test_each_platform_is_whole():
    """What a header of csrc/platform declares is defined once for each system; builds take these folders."""
    systems = {"linux": ["posix", "linux"], "macos": ["posix", "macos"], "windows": ["windows"]}
    platform = CSRC / "platform"
    names = {
        name
        for path in platform.glob("*.h")
        for name in re.findall(r"^\w[\w:<>*& ]+?\b(\w+)\([^;{]*\)[^;{]*;", path.read_text(), re.M)
    }
    assert {"map_file", "count_forks", "available_cpus", "run_guarded"} <= names
    for system, folders in systems.items():
        text = "\n".join(path.read_text() for folder in folders for path in sorted((platform / folder).glob("*.cpp")))
        defined = {
            name: len(re.findall(rf"^\w[\w:<>*& ]+?\b{name}\([^;{{]*\)[^;{{]*\{{", text, re.M)) for name in names
        }
        expected = dict.fromkeys(names, 1) | {"status_of": 2}  # of an open file, and of a path
        assert defined == expected, system
    for build in (ROOT / "setup.py", CSRC / "CMakeLists.txt"):
        assert all(re.search(rf"\b{folder}\b", build.read_text()) for folders in systems.values() for folder in folders)


def test_every_header_says_which_threads_may_call():
    assert not relative(
        p for p in code_files("csrc") if p.suffix == ".h" and not re.search(r"thread|GIL", p.read_text(), re.I)
    )


def test_the_map_of_the_core_names_every_file():
    text = (CSRC / "README.md").read_text()
    missing = [
        str(path.relative_to(CSRC))
        for path in code_files("csrc")
        if path.suffix == ".h" and not re.search(rf"\b{re.escape(path.stem)}\b", text)
    ]
    assert not missing, "csrc/README.md has a row for each file"


def test_every_source_is_compiled_in_one_unit(tmp_path, monkeypatch):
    """A file that no unit includes links, and fails only when the module is loaded."""
    monkeypatch.chdir(ROOT)  # as setup.py
    monkeypatch.syspath_prepend(ROOT / "packaging")
    units = importlib.import_module("units")
    sources = sorted(path.relative_to(ROOT) for path in CSRC.rglob("*.cpp"))
    written = [Path(name) for name in units.write_units(map(str, sources), tmp_path)]
    included = {unit: re.findall(r'#include "(.+/.+\.cpp)"', unit.read_text()) for unit in written}
    assert sorted(name for names in included.values() for name in names) == [
        path.relative_to("csrc").as_posix() for path in sources
    ]
    for unit, names in included.items():
        assert len(names) <= units.MOST
        assert len({name.rpartition("/")[0] for name in names}) == 1
        repeats = {units.HIGHWAY in (CSRC / name).read_text() for name in names}
        assert repeats == {units.HIGHWAY in unit.read_text()}, "Highway would repeat the others too, or not these"
    times = {unit: unit.stat().st_mtime_ns for unit in written}
    units.write_units(map(str, sources), tmp_path)
    assert times == {unit: unit.stat().st_mtime_ns for unit in written}, "an unchanged unit would be compiled again"


def test_a_changed_source_compiles_its_unit_again():
    """The compiler's rule of a unit names its sources, those too that a header of Highway's includes."""
    rules = sorted((ROOT / "build" / str(sys.implementation.cache_tag)).rglob("unit_*.d"))
    if not rules:
        pytest.skip("this checkout was not compiled in place")
    for rule in rules:
        words = rule.read_text().split()
        (unit,) = {ROOT / word for word in words if word.endswith(f"/{rule.stem}.cpp")}
        for name in re.findall(r'#include "(.+/.+\.cpp)"', unit.read_text()):
            assert f"csrc/{name}" in words, rule.name


def test_no_thread_of_the_core_is_one_that_macos_lacks():
    """AppleClang's library has std::jthread only as an experiment."""
    files = [path for path in code_files("csrc", "tests/cpp") if path.name != "joined_thread.h"]
    assert not relative(path for path in files if re.search(r"std::(jthread|stop_token)\b", path.read_text()))


def test_the_core_neither_prints_nor_aborts():
    speaks = re.compile(r"std::(cout|cerr|clog|abort|exit|terminate)\b|\b(f?printf|puts|abort|exit)\s*\(")
    assert not relative(path for path in code_files("csrc") if speaks.search(path.read_text()))


def imported(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, relative to the package; "" is the package itself."""
    package = path.relative_to(PYTHON).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(["fastbatch", *package[: len(package) + 1 - node.level]]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [module] if module != "fastbatch" else [f"fastbatch.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.partition(".")[2] for name in names if name.split(".")[0] == "fastbatch"}
    return found


def test_every_python_folder_has_its_floor():
    there = {path.stem for path in PYTHON.iterdir() if path.is_dir() or path.suffix == ".py"} - {
        "__pycache__",
        "include",
    }
    assert there == set().union(*FLOORS)


def test_python_imports_point_one_way():
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    wrong = []
    for path in PYTHON.rglob("*.py"):
        own = path.relative_to(PYTHON).parts[0].removesuffix(".py")
        if path == PYTHON / "api/typed.py":  # for type checkers only
            continue
        for name in imported(path):
            other = name.split(".")[0] or "__init__"
            if other.startswith("_") and other not in floor:  # compiled
                continue
            is_door = floor[own] >= floor["keras"]
            same = other == own or own == "__init__" or (other == "__init__" and is_door)
            if not same and (floor[other] > floor[own] or (floor[other] == floor[own] and own in ("native", "pure"))):
                wrong.append(f"{path.relative_to(ROOT)} imports {name or 'fastbatch'}")
    assert not wrong


def test_only_one_module_knows_the_system():
    """What Windows lacks is named in system.py alone. Tables of conventions (where caches lie) are no such thing.

    The doctor's agent runs in processes without fastbatch; benchmarks drop and count pages where they can.
    """
    lacking = re.compile(
        r"\bos\.(O_[A-Z]+|register_at_fork|fork|geteuid|getuid|pread|sched_\w+|mkfifo|posix_\w+)\b(?<!os\.O_RDONLY)(?<!os\.O_WRONLY)"
        r"|^\s*import (fcntl|resource|termios|pwd|grp)\b",
        flags=re.MULTILINE,
    )
    apart = [PYTHON / "doctor/agent", PYTHON / "bench", PYTHON / "system.py"]
    modules = [p for p in PYTHON.rglob("*.py") if not any(one in (p, *p.parents) for one in apart)]
    wrong = [p for p in modules if lacking.search(p.read_text())]
    assert not relative(wrong)


def test_only_native_imports_the_core():
    core = {"_core", "_words"}
    users = {path for path in PYTHON.rglob("*.py") if core & {name.split(".")[0] for name in imported(path)}}
    outside = {path for path in users if PYTHON / "native" not in path.parents}
    assert outside == {PYTHON / "__init__.py"}  # it says how to build the core


def test_the_map_names_every_folder_and_module():
    text = (PYTHON / "README.md").read_text()
    missing = [
        str(path.relative_to(PYTHON))
        for path in PYTHON.rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
        and path.parent != PYTHON / "bench/scenarios"
        and f"`{path.stem}`" not in text
    ]
    assert not missing


def test_the_page_of_the_benchmarks_names_every_scenario():
    text = (ROOT / "bench/README.md").read_text()
    there = {path.stem for path in (PYTHON / "bench/scenarios").glob("[a-z]*.py")}
    assert not {name for name in there if f"`{name}`" not in text}


def test_functions_fit_a_screen():
    """No body has more than 60 lines; docstrings and lists of parameters do not count."""
    long = []
    for path in PYTHON.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (n := node.end_lineno - body[0].lineno + 1) > MOST_BODY_LINES:
                    long.append(f"{path.relative_to(ROOT)}: {node.name}: {n} lines")
    assert not long


def test_public_names_are_public_and_internal_modules_are_not():
    code = """
import fastbatch, fastbatch.pure, fastbatch.keras, pkgutil, types
for name in fastbatch.__all__:
    assert not isinstance(getattr(fastbatch, name), types.ModuleType), name
    assert not isinstance(getattr(fastbatch.pure, name), types.ModuleType), name
modules = {name for name, value in vars(fastbatch).items() if isinstance(value, types.ModuleType) and name[0] != "_"}
assert modules <= {"pure", "keras", "numba", "ray", "torch"}, modules
expected = {*fastbatch.__all__, "keras", "numba", "pure", "ray", "torch", "__version__"}
assert set(dir(fastbatch)) == expected, dir(fastbatch)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_checkers_see_what_is_imported_at_first_use():
    import fastbatch
    from fastbatch.api import names, typed

    assert typed.__all__ == list(names.NAMES) == fastbatch.__all__


def test_files_are_short():
    long = {
        str(p.relative_to(ROOT)): n for p in code_files("csrc", "src", "tests", "bench") if (n := lines(p)) > MOST_LINES
    }
    assert not long, f"more than {MOST_LINES} lines: a noun is missing"


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_setup_is_declarative():
    assert lines(ROOT / "setup.py") < 120


def test_first_line_names_the_license():
    files = [*code_files("csrc", "src", "tests", "bench", "packaging"), ROOT / "setup.py", CSRC / "CMakeLists.txt"]
    scripts = [ROOT / "dev", ROOT / ".ci/run", *(ROOT / "packaging").glob("*.sh")]
    head = [(path, path.read_text().splitlines()[:1]) for path in files if path.read_text()]
    head += [(path, path.read_text().splitlines()[1:2]) for path in scripts]
    assert not relative(p for p, line in head if not line or not line[0].endswith("SPDX-License-Identifier: MIT"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_tested(stage):
    assert (ROOT / f"tests/test_{stage}.py").is_file()


@pytest.mark.parametrize("folder", sorted(set(MAY_INCLUDE) - {"bindings"}))
def test_every_folder_of_the_core_has_a_cpp_test(folder):
    cpp = [name for path in (ROOT / "tests/cpp").rglob("test_*.cpp") for name in includes(path)]
    assert any(name.startswith(f"{folder}/") for name in cpp), f"no tests/cpp/test_*.cpp includes {folder}/"


def test_nothing_is_left_for_later():
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|raise NotImplemented" + "Error")
    assert not relative(path for path in code_files("csrc", "src", "tests", "bench") if words.search(path.read_text()))


def test_files_named_in_comments_exist():
    """Files of csrc/ and src/fastbatch/ named in code or Markdown exist; the changelog may name old ones."""
    named = re.compile(r"\b(?:csrc|src/fastbatch)/[\w./-]+\.(?:h|cpp|py|pyi|pyx|pxd|md|txt)\b")
    folders = ["csrc", "src", "tests", "bench", "examples", "packaging", "docs"]
    files = [*code_files(*folders), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]
    files += [path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"]
    missing = [
        f"{path.relative_to(ROOT)} names {name}"
        for path in files
        for name in named.findall(path.read_text())
        if not (ROOT / name).is_file()
    ]
    assert not missing


def test_generated_files_stay_out_of_git():
    try:
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    generated = re.compile(r"\.(so|o|a|pyc|whl)$|^(build|dist|wheelhouse|\.venv|\.deps)/")
    assert not [name for name in tracked.splitlines() if generated.search(name)]
