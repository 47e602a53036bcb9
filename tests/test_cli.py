# SPDX-License-Identifier: MIT
"""The `fastbatch` command, with Typer and without; `test_demo.py` tests `fastbatch demo`."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from typing import Annotated, Optional

import numpy as np
import PIL.Image
import pytest

import fastbatch
from fastbatch import command
from fastbatch.command import COMMANDS, CommandError, cli
from fastbatch.command.options import Argument, Option, parameters

HAS_TYPER = importlib.util.find_spec("typer") is not None
BOTH = [pytest.param(True, marks=pytest.mark.skipif(not HAS_TYPER, reason="Typer is not installed")), False]


@pytest.fixture(params=BOTH, ids=["typer", "plain"])
def parser(request, monkeypatch):
    """Run a test with Typer and as if it were not installed."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    if not request.param:
        without_typer(monkeypatch)
    return "typer" if request.param else "plain"


def without_typer(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "typer" else found(name))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "(Missing command|required: COMMAND)"),
        (["train"], "(No such command 'train'|invalid choice: 'train')"),
        (["demo", "--epochs", "0"], "--epochs.*: expected a whole number of at least 1, found 0"),
        (["demo", "--epochs", "many"], "--epochs.*: expected a whole number, found 'many'"),
        (["demo", "--epochs", "9" * 30], "--epochs.*: expected a whole number of at least 1, found 9999"),
        (["demo", "--photos", "-5"], "--photos.*: expected a whole number of at least 1, found -5"),
        (["demo", "--threads", "0"], "--threads.*: expected a whole number of at least 1, found 0"),
        (["demo", "--seed", "-1"], "--seed.*: expected a whole number of at least 0, found -1"),
        (["demo", "--speed", "11"], "(No such option: --speed|unrecognized arguments: --speed 11)"),
        (["info", "more"], "(unexpected extra argument|unrecognized arguments: more)"),
    ],
)
def test_wrong_arguments(arguments, message, parser, capsys):
    assert cli.main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)


def test_version(parser, capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"fastbatch {fastbatch.__version__}\n"


def test_info_says_what_is_installed(parser, capsys):
    assert cli.main(["info"]) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert facts["NumPy"] == np.__version__
    assert "scalar" in facts["SIMD"]
    assert int(facts["CPUs"].split()[0]) >= 1
    assert "libjpeg" in facts["libraries"] or "static" in facts["libraries"]
    assert cli.main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == facts


@pytest.mark.parametrize(
    "version, message",
    [
        ("13.0.0", "13.0.0: the pixels of exact=True"),
        ("14.1", "14.1: the pixels of exact=True"),
        ("12.3.0", "12.3.0: other pixels than exact=True where a height shrinks more than twice as much as the width"),
        ("11.0.0", "11.0.0: fastbatch needs 12.3 or newer"),
    ],
)
def test_info_says_whether_pillow_resizes_like_the_core(version, message, monkeypatch, capsys):
    monkeypatch.setattr(PIL, "__version__", version)
    assert cli.main(["info"]) == 0
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert facts["Pillow"].startswith(message)


def test_the_package_runs_as_a_command():
    process = subprocess.run([sys.executable, "-m", "fastbatch", "info"], capture_output=True, text=True, check=True)
    assert process.stdout.startswith(f"fastbatch    {fastbatch.__version__}")


def test_a_reader_that_leaves_early_is_no_error():
    """As in `fastbatch info | head -1`."""
    command = [sys.executable, "-u", "-m", "fastbatch", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        error = process.stderr.read()
    assert error == ""
    assert process.returncode == 1


# ---- any subcommand ---------------------------------------------------------------------------------------------


def available(parser):
    return [name for name, one in COMMANDS.items() if parser == "typer" or not one.needs_cli]


def test_help_lists_every_subcommand(parser, capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in available(parser):
        assert re.search(rf"\b{name} +{re.escape(COMMANDS[name].summary[:40])}", shown), name


def test_every_help_text_has_its_options_and_examples(parser, capsys):
    for name in available(parser):
        run, examples = cli._load(name)
        assert cli.main([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert run.__doc__.splitlines()[0] in shown
        for line in examples.splitlines():
            assert line.split("   #")[0].strip() in shown
        for word in command_options(run):
            assert f" {word}" in shown


def command_options(run):
    return [one.flag for one in parameters(run) if isinstance(one.shown, Option)]


def test_options_are_found_in_hints_of_python_3_10():
    """Its `get_type_hints` adds None outside of the annotation where the default is None."""

    def run(path: Optional[Annotated[str | None, Argument("a path")]] = None, n: Annotated[int, Option("n")] = 1):  # noqa: UP045
        return 0

    (path, n) = parameters(run)
    assert (path.type, path.default, path.shown) == (str, None, Argument("a path"))
    assert (n.type, n.default, n.shown) == (int, 1, Option("n"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_accepted(name, monkeypatch, capsys):
    """The words of an example parse, and are handed to its own subcommand."""
    if COMMANDS[name].needs_cli and not HAS_TYPER:
        pytest.skip("Typer is not installed")
    given = []
    monkeypatch.setattr(cli, "start", lambda *call: given.append(call) or 0)
    _, examples = cli._load(name)
    for line in examples.splitlines()[1:]:
        words = shlex.split(line.split("   #")[0])
        assert words[0] == "fastbatch"
        assert len(line) <= 78  # one line of the help text
        assert cli.main(words[1:]) == 0, capsys.readouterr().err
        assert given.pop()[0] == name
    assert not given


@pytest.fixture
def made_up(monkeypatch):
    """A subcommand `try` with a parameter of every kind."""
    given = []

    def run(
        words: Annotated[list[str], Argument("what to run", metavar="WORDS")],
        ratio: Annotated[float, Option("a ratio", at_least=0)] = 0.5,
        kind: Annotated[str, Option("of what kind", choices=("warm", "cold"))] = "warm",
        loud: Annotated[bool, Option("say more")] = False,
    ) -> int:
        """Try it."""
        given.append((words, ratio, kind, loud))
        if kind == "cold":
            raise CommandError("it is too cold")
        return 3

    monkeypatch.setitem(COMMANDS, "try", command.Command("try it"))
    loaded = cli._load
    monkeypatch.setattr(cli, "_load", lambda name: (run, "Examples:\n  try it") if name == "try" else loaded(name))
    return given


@pytest.mark.skipif(not HAS_TYPER, reason="Typer is not installed")
def test_a_subcommand_gets_its_arguments_and_gives_the_exit_code(made_up, capsys):
    assert cli.main(["try", "--ratio", "2", "--loud", "--", "python", "train.py", "--ratio", "7"]) == 3
    assert made_up == [(["python", "train.py", "--ratio", "7"], 2.0, "warm", True)]
    assert cli.main(["try", "--kind", "cold", "x"]) == 1
    assert capsys.readouterr().err == "fastbatch try: it is too cold\n"
    for arguments, message in [
        (["--ratio", "-1", "x"], "expected a number of at least 0, found -1"),
        (["--ratio", "nan", "x"], "expected a number of at least 0, found nan"),
        (["--kind", "hot", "x"], "expected one of warm, cold, found 'hot'"),
        ([], "Missing argument"),
    ]:
        assert cli.main(["try", *arguments]) == 2
        assert message in " ".join(capsys.readouterr().err.split())


def test_without_typer_one_sentence_names_the_extra(made_up, monkeypatch, capsys):
    without_typer(monkeypatch)
    assert cli.main(["try", "x"]) == 1
    error = capsys.readouterr().err
    assert error == 'fastbatch try: Typer missing here: pip install "fastbatch[cli]" brings what is needed\n'
    assert made_up == []


def test_a_full_disk_is_one_sentence(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    for words in (["info"], ["statistics", "x.npy"]):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "fastbatch", *words]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 1
        assert re.fullmatch(rf"fastbatch {words[0]}: \[Errno 28\] .*\n", done.stderr)


def test_an_unexpected_error_of_data_is_one_sentence(made_up, monkeypatch, capsys):
    def run() -> int:
        raise fastbatch.DecodeError("broken JPEG", path="a.jpg")

    assert cli.start("profile", run, {}) == 1
    assert capsys.readouterr().err == "fastbatch profile: a.jpg: broken JPEG\n"


def test_json_has_no_nan(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([[1, np.nan], [2, 3]]))
    assert cli.main(["statistics", "x.npy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["mean"] == [1.5, None]


@pytest.mark.skipif(not HAS_TYPER, reason="Typer is not installed")
def test_a_loader_of_a_script(tmp_path, monkeypatch, capsys):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "numbers_of_mine.py").write_text(
        "import fastbatch as fb\nloader = fb.arrays(list(range(8)), batch_size=4)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert cli.main(["preview", "scripts/numbers_of_mine.py:loader"]) == 0
    assert cli.main(["preview", "scripts/nothing.py:loader"]) == 1
    assert "scripts/nothing.py: there is no such file" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "numbers_of_mine")


@pytest.mark.skipif(not HAS_TYPER, reason="Typer is not installed")
def test_probe_takes_several_files(tmp_path, capsys):
    paths = [str(tmp_path / f"{i}.png") for i in range(2)]
    for path in paths:
        PIL.Image.new("RGB", (3, 2)).save(path)
    assert cli.main(["probe", *paths]) == 0
    assert [json.loads(line)["path"] for line in capsys.readouterr().out.splitlines()] == paths


def test_an_interrupted_subcommand(made_up, capsys):
    def run():
        raise KeyboardInterrupt

    assert cli.start("try", run, {}) == 130
    assert capsys.readouterr().err == "\nfastbatch try: interrupted\n"


@pytest.mark.skipif(not HAS_TYPER, reason="Typer is not installed")
def test_completion():
    environment = {"_FASTBATCH_COMPLETE": "complete_bash", "COMP_WORDS": "fastbatch demo --ep", "COMP_CWORD": "2"}
    process = subprocess.run(
        [sys.executable, "-m", "fastbatch"], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert process.stdout.split() == ["--epochs"]


def test_only_the_wanted_subcommand_is_imported():
    code = """
import sys
from fastbatch.command import COMMANDS, cli
assert cli.main(["info"]) == 0
loaded = {name for name in COMMANDS if f"fastbatch.command.{name}" in sys.modules}
assert loaded <= {"info", "demo"} and "matplotlib" not in sys.modules, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
