# SPDX-License-Identifier: MIT
"""The stubs of the compiled core say what the module has: names, members, parameters, defaults.

`./dev lint` runs mypy's stubtest as well, which sees no parameters: pybind11 writes these into docstrings only.
"""

import ast
import inspect
import re
from pathlib import Path

import pytest

from fastbatch import _core

FOLDER = Path(__file__).resolve().parents[1] / "src/fastbatch"
if not FOLDER.is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)
NODES = [node for path in sorted(FOLDER.glob("_core*.pyi")) for node in ast.parse(path.read_text()).body]
DEFINED = {node.name: node for node in NODES if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
FUNCTIONS = {name: node for name, node in DEFINED.items() if isinstance(node, ast.FunctionDef)} | {
    f"{name}.{item.name}": item
    for name, node in DEFINED.items()
    if isinstance(node, ast.ClassDef)
    for item in node.body
    if isinstance(item, ast.FunctionDef)
}


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_the_stub_names_what_the_core_has():
    assert set(DEFINED) == public(vars(_core))
    for name, node in DEFINED.items():
        if isinstance(node, ast.ClassDef):
            members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            members |= {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
            assert public(members) == public(vars(getattr(_core, name))), name


def found(name):
    """The object of the module that the stub calls `name`."""
    owner, _, member = name.rpartition(".")
    return inspect.getattr_static(getattr(_core, owner), member) if owner else getattr(_core, member)


def signatures(text):
    """The functions that one of pybind11's docstrings shows: one, or several overloads."""
    lines = re.findall(r"^(?:\d+\. )?(\w+\(.*\) -> .*)$", text.replace("::", "."), re.M)
    return [ast.parse(f"def {line}: ...").body[0] for line in lines]


def parameters(function):
    """Names, kinds and defaults: ["self", "arg0", "b=", "*", "c="]; pybind11 numbers positional-only ones."""
    given = function.args
    assert not (given.vararg or given.kwarg)
    names = [one.arg for one in [*given.posonlyargs, *given.args]]
    first = int(names[:1] == ["self"])
    names[first : len(given.posonlyargs)] = [f"arg{i}" for i in range(len(given.posonlyargs) - first)]
    optional = len(names) - len(given.defaults)
    by_name = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return [
        *(name + "=" * (i >= optional) for i, name in enumerate(names)),
        *["*"][: len(given.kwonlyargs)],
        *(one.arg + "=" * (default is not None) for one, default in by_name),
    ]


def defaults(function):
    """The values of the defaults, by name. In the stub, one that is long may be `...`."""
    given = function.args
    by_position = [*given.posonlyargs, *given.args]
    pairs = [
        *zip(by_position[len(by_position) - len(given.defaults) :], given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    values = {one.arg: ast.literal_eval(default) for one, default in pairs if default is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stub_has_the_parameters_of_the_core(name):
    stub, real = FUNCTIONS[name], found(name)
    if isinstance(real, property):
        assert [ast.unparse(one) for one in stub.decorator_list] == ["property"]
        return
    shown = signatures(real.__doc__)
    if not shown:
        assert (name.partition(".")[2], ast.unparse(stub.returns)) == ("__init__", "NoReturn")
        with pytest.raises(TypeError, match="No constructor defined"):
            getattr(_core, name.partition(".")[0])()
    for one in shown:
        assert parameters(stub) == parameters(one)
        assert (ast.unparse(stub.returns) == "None") == (ast.unparse(one.returns) == "None")
        expected = defaults(one)
        assert {key: expected[key] if value is ... else value for key, value in defaults(stub).items()} == expected
