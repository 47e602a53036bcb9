# SPDX-License-Identifier: MIT
"""README and docs/: every Python block runs, gives the output it shows, and names that exist.

The blocks of a page run in order, in one namespace, in a folder with the files of examples/make_data.py. In a block,
`expression  # -> text` states the value of the expression (or its output), and `statement  # raises Error: text` the
error of the statement; the comment may also be on the next line, and `...` in it matches any text. An `output` block
after a Python block is its complete output.
"""

import ast
import contextlib
import doctest
import functools
import importlib
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tokenize
import types
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

import fastbatch
import fastbatch.keras
import fastbatch.ray

with contextlib.suppress(pytest.skip.Exception):
    import torchvision_import  # noqa: F401 - which pages may import from now on

try:
    import fastbatch.torch
except ModuleNotFoundError:  # without torch
    DOORS = (fastbatch, fastbatch.keras, fastbatch.ray)
else:
    DOORS = (fastbatch, fastbatch.keras, fastbatch.ray, fastbatch.torch)

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
if not DOCS.is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
MOST_COLUMNS = 105  # of code, so that the site needs no horizontal scrolling
OPTIONAL = {
    "fsspec",
    "jax",
    "keras",
    "numba",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
    "tqdm",
    "tensorboard",
    "prometheus_client",
}
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
CLAIM = re.compile(r"#\s*(->|raises)\s*(.+)")


@dataclass
class Block:
    """A fenced block, and the number of its first line in the page."""

    language: str
    text: str
    line: int


def blocks(page):
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        indent = re.compile(f"^{match[1]}", re.MULTILINE)
        found.append(Block(match[2], indent.sub("", match[3]), text.count("\n", 0, match.start(3)) + 1))
    return found


def name(page):
    return str(page.relative_to(ROOT))


# ---- running -----------------------------------------------------------------------------------------------------


def claims(block):
    """Return the expected values in a block's comments, by the number of the last line of the statement."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(block.text).readline):
        if token.type == tokenize.COMMENT and (match := CLAIM.fullmatch(token.string.rstrip())):
            alone = token.line.lstrip().startswith("#")
            found[token.start[0] - alone] = match.groups()
    return found


def agree(page, line, claimed, found):
    same = doctest.OutputChecker().check_output(claimed + "\n", found + "\n", doctest.ELLIPSIS)
    assert same, f"{page.name}:{line}: the page says\n  {claimed}\nbut it is\n  {found}"


def run_statement(statement, filename, namespace):
    """Run a statement; return its value as text, or its output if it has none; and its output."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        value = None
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), filename, "eval"), namespace)
        else:
            exec(compile(ast.Module([statement], []), filename, "exec"), namespace)
    return printed.getvalue().rstrip("\n") if value is None else repr(value), printed.getvalue()


def run_block(page, block, namespace):
    """Run a block and return its output."""
    claimed = claims(block)
    tree = ast.parse(block.text, str(page))
    ends = {statement.end_lineno for statement in tree.body}
    assert set(claimed) <= ends, (
        f"{page.name}:{block.line}: claims must be at the end of a statement that is not nested"
    )
    printed = ""
    for statement in tree.body:
        claim = claimed.get(statement.end_lineno)
        line = statement.end_lineno + block.line - 1
        ast.increment_lineno(statement, block.line - 1)
        if claim and claim[0] == "raises":
            with pytest.raises(Exception) as caught:
                run_statement(statement, str(page), namespace)
            agree(page, line, claim[1], f"{caught.type.__name__}: {caught.value}")
            continue
        shown, output = run_statement(statement, str(page), namespace)
        printed += output
        if claim:
            agree(page, line, claim[1], shown)
    return printed


def run_page(page, namespace):
    """Run the blocks of a page; return the missing libraries, and the number of blocks that were skipped."""
    lacking, left_out = set(), 0
    printed = ""  # None: by a block that was skipped
    for block in blocks(page):
        if block.language == "output" and printed is not None:
            agree(page, block.line, block.text.rstrip("\n"), printed.rstrip("\n"))
        if block.language != "python":
            continue
        try:
            printed = None
            printed = run_block(page, block, namespace)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise
            lacking.add(error.name)
            left_out += 1
        except NameError as error:
            if not lacking:  # else the name is probably defined in a skipped block
                raise
            left_out += 1
            lacking.add(f"a name of an earlier block ({error.name})")
        except AttributeError as error:
            if (error.obj, error.name) != (fastbatch, "torch") or "torch" not in lacking:
                raise
            left_out += 1
    return lacking, left_out


def import_quietly(page):
    """Import the libraries that a page uses, and ignore warnings of the import."""
    imported = re.findall(r"^import (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in OPTIONAL & set(imported):
            with contextlib.suppress(ImportError):
                importlib.import_module(library)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "examples/make_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("docs") / "data"
    module.make_all(folder)
    return folder


WITH_PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's, of torch's tensors
@pytest.mark.parametrize("page", WITH_PYTHON, ids=name)
def test_every_python_block_runs(page, data, tmp_path, monkeypatch):
    shutil.copytree(data, tmp_path / "data")
    monkeypatch.chdir(tmp_path / "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    import_quietly(page)
    namespace = vars(types.ModuleType("page"))
    try:
        lacking, left_out = run_page(page, namespace)
    finally:
        for thing in list(namespace.values()):
            if isinstance(getattr(type(thing), "close", None), types.FunctionType):
                thing.close()
        namespace.clear()
    if lacking:
        pytest.skip(f"{left_out} blocks need {', '.join(sorted(lacking))}, which is not there; all others ran")


# ---- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_fits_the_page(page):
    long = [
        f"{page.name}:{number}: {len(line)}"
        for block in blocks(page)
        for number, line in enumerate(block.text.splitlines(), block.line)
        if len(line) > MOST_COLUMNS and not line.startswith("# ")
    ]
    assert not long


@functools.cache
def command_exists(command):
    return (
        subprocess.run([sys.executable, "-m", "fastbatch", command, "--help"], stdout=subprocess.DEVNULL).returncode
        == 0
    )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page):
    text = page.read_text(encoding="utf-8")
    shell = "\n".join(block.text for block in blocks(page) if block.language in ("sh", "bash", "console", ""))
    code = "\n".join([shell, *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))])
    dev = set(re.findall(r"^  (\w+)\)", (ROOT / "dev").read_text(), re.MULTILINE))
    assert set(re.findall(r"\./dev ([a-z]\w*)", code)) <= dev
    for command in set(re.findall(r"^\s*(?:\$ )?fastbatch ([a-z]\w*)", code, re.MULTILINE)):
        assert command_exists(command), command
    scenarios = {path.stem for path in (ROOT / "src/fastbatch/bench/scenarios").glob("*.py")}
    used = re.findall(r"bench/run\.py --scenario ([\w,]+)", code)
    assert {one for group in used for one in group.split(",")} - {"NAME"} <= scenarios
    for path in re.findall(r"\b(?:examples|tests|bench|csrc|packaging|docs)/[\w./-]*\w\.\w+", code):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_names_of_the_package_exist(page):
    text = page.read_text(encoding="utf-8")
    lacking = {"torch"} if len(DOORS) == 3 else set()
    missing = [one for one in set(re.findall(r"\bfb\.(\w+)", text)) - lacking if not hasattr(fastbatch, one)]
    missing += [one for one in re.findall(r"fastbatch\.keras\.(\w+)", text) if not hasattr(fastbatch.keras, one)]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    missing = [link for link in links if not re.match(r"\w+:", link) and not (page.parent / link).exists()]
    assert not missing


def test_the_reference_names_everything_public():
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    for module in DOORS:
        found = re.findall(rf"^::: {re.escape(module.__name__)}\.(\w+)$", text, re.MULTILINE)
        assert sorted(found) == sorted(module.__all__)


def test_navigation_names_every_page():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    in_navigation = set(re.findall(r"^\s+- ([\w/-]+\.md)$", text, re.MULTILINE))
    assert {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} <= in_navigation
