# SPDX-License-Identifier: MIT
"""The user's own `for` loops: their iterables are timed, so that plain generators are seen too.

The code of the script and of the modules beside it is compiled with `for x in __fastbatch_iter__(place, iterable)`
instead of `for x in iterable`. Containers are returned as they are; loops over many small items are no longer timed
after a while.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import types
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from .files import FILES
from .record import Pass, Source, arrays_in, known

_ITERATORS = (types.GeneratorType, enumerate, zip, map, filter, itertools.islice, itertools.chain, itertools.cycle)
# Modules whose iterables hold no batches: containers, files, parts of models.
_NOT_LOADERS = {
    "builtins",
    "collections",
    "io",
    "_io",
    "re",
    "numpy",
    "pandas",
    "array",
    "pathlib",
    "argparse",
    "torch",
    "torch.nn",
    "concurrent",
}
_TRIAL = 512  # items after which a loop over small items is no longer timed
_SMALL_S = 50e-6  # seconds for an item and the work on it


# Compilers of Python functions, which would have to compile the doctor's functions, too.
_COMPILERS = {
    "jit",
    "njit",
    "vectorize",
    "guvectorize",
    "compile",
    "script",
    "trace",
    "function",
    "cfunc",
    "pmap",
    "vmap",
}
_COMPILED_METHODS = {"forward", "call", "__call__"}  # of models


def instrumented(source: bytes | str, path: str) -> types.CodeType:
    """Return the code of a module whose loops are watched. Lines and columns are those of the file.

    Functions that a compiler gets stay as they are: with a decorator like `njit`, arguments of one, and the methods of
    models.
    """
    tree = ast.parse(source, path)
    changed = _Loops(path, _compiled_functions(tree)).visit(tree)
    code: types.CodeType = compile(changed, path, "exec", dont_inherit=True)
    return code


def _compiled_functions(tree: ast.Module) -> set[str]:
    """Return the names of the functions that are passed to a compiler."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name_of(node.func) in _COMPILERS]
    return {argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name)}


def _name_of(called: ast.expr) -> str:
    """Return the last name of a function that is called: `njit` of `numba.njit` and of `njit(parallel=True)`."""
    if isinstance(called, ast.Call):
        return _name_of(called.func)
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


class _Loops(ast.NodeTransformer):
    def __init__(self, path: str, compiled: set[str]) -> None:
        self._path, self._compiled = path, compiled

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        is_compiled = any(_name_of(decorator) in _COMPILERS for decorator in node.decorator_list)
        is_compiled = is_compiled or node.name in self._compiled or node.name in _COMPILED_METHODS
        return node if is_compiled else self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        is_range = isinstance(node.iter, ast.Call) and getattr(node.iter.func, "id", "") == "range"
        if not is_range:
            node.iter = self._call("__fastbatch_iter__", node.iter, [node.iter])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "next" and not node.keywords and node.args:
            return self._call("__fastbatch_next__", node, [node.func, *node.args])
        return node

    def _call(self, name: str, at: ast.expr, arguments: list[ast.expr]) -> ast.Call:
        place = ast.Constant(f"{self._path}:{at.lineno}")
        call = ast.Call(ast.Name(name, ast.Load()), [place, *arguments], [])
        for made in (place, call.func, call):
            ast.copy_location(made, at)
        return call


def install() -> None:
    """Define the two functions that instrumented code calls."""
    vars(builtins).update(__fastbatch_iter__=watched, __fastbatch_next__=watched_next)


def may_be_loader(iterable: Any) -> bool:
    """Return whether an iterable may give batches that take time to make."""
    if isinstance(iterable, _ITERATORS):
        return True
    module = type(iterable).__module__ or ""
    return module not in _NOT_LOADERS and module.split(".")[0] not in ("builtins", "numpy", "pandas", "concurrent")


def watched(place: str, iterable: Any) -> Any:
    """Return an iterator over the same items that is timed, or the iterable."""
    if not may_be_loader(iterable):
        return iterable
    iterator = iter(iterable)
    if getattr(type(iterator).__next__, "is_timed", False):  # a known loader's: once is enough
        return iterator
    return timed(iterator, known(Source("loop", _name(iterable), place)))


def _name(iterable: Any) -> str:
    name = getattr(iterable, "__qualname__", "") if isinstance(iterable, types.GeneratorType) else ""
    return f"generator {name}()" if name else type(iterable).__name__


def timed(iterator: Iterator[Any], source: Source) -> Iterator[Any]:
    """Yield the items of an iterator, and time each."""
    # Not `yield from`: it would close a generator that the user continues after `break`.
    run, begin = Pass(source), perf_counter()
    for n in itertools.count():
        if n == _TRIAL and perf_counter() - begin < _TRIAL * _SMALL_S:
            yield from _untimed(iterator)
            return
        is_counted = run.enter()
        got_batch = False
        try:
            item = next(iterator)
            got_batch = True
        except StopIteration:
            return
        finally:
            if is_counted:
                FILES.end()
                run.leave(got_batch)
        if n == 0 and arrays_in(item):
            source.holds_arrays = True
        yield item
        del item


def _untimed(iterator: Iterator[Any]) -> Iterator[Any]:
    for item in iterator:  # noqa: UP028 - `yield from` would close the user's generator
        yield item


_PASSES: dict[int, tuple[Any, Pass]] = {}  # id of a generator -> the generator, its pass


def watched_next(place: str, function: Any, iterator: Any, *default: Any) -> Any:
    """Call `next(iterator)` and time it, if it is a generator."""
    if function is not next or not isinstance(iterator, types.GeneratorType) or len(default) > 1:
        return function(iterator, *default)
    kept = _PASSES.get(id(iterator))
    if kept is None or kept[0]() is not iterator:
        import weakref

        kept = weakref.ref(iterator), Pass(known(Source("loop", _name(iterator), place)))
        _PASSES[id(iterator)] = kept
    run = kept[1]
    is_counted = run.enter()
    got_batch = False
    try:
        item = next(iterator, *default)
        got_batch = True
    finally:
        if is_counted:
            FILES.end()
            run.leave(got_batch)
    if run.source.batches == 1 and arrays_in(item):
        run.source.holds_arrays = True
    return item
