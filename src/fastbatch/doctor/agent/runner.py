# SPDX-License-Identifier: MIT
"""Runs a script, a module or code as `python` does, with watched loops: `python runner.py script train.py ...`."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import itertools
import os
import sys
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Run what the command line names, and compare its loaders with those of fastbatch if it has ended well."""
    kind, target = sys.argv[1:3]
    sys.argv[:] = [target, *sys.argv[3:]]
    place = os.getcwd() if kind != "script" else os.path.dirname(os.path.realpath(target))
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = "" if kind == "code" else place  # this file's folder until now
    _agent()
    from _fastbatch_agent import output, record

    sys.excepthook = _without_own_frames(sys.excepthook)
    record.ROOT[0] = place.rstrip(os.sep) + os.sep
    code, module = _loaded(kind, target)
    sys.modules["__main__"] = module
    exec(code, vars(module))  # what it raises is shown without the frames of this file
    output.finish()
    output.put("done.json", {"elapsed_s": output.elapsed()})
    _compare(output)


def _agent() -> None:
    """Start the agent; Python has done it already, unless an option like -I keeps it from reading PYTHONPATH."""
    if "_fastbatch_agent" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "_fastbatch_agent", os.path.join(HERE, "__init__.py"), submodule_search_locations=[HERE]
        )
        assert spec is not None and spec.loader is not None
        sys.modules["_fastbatch_agent"] = agent = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(agent)
    from _fastbatch_agent import start

    start.start(os.environ["FASTBATCH_DOCTOR"])


def _loaded(kind: str, target: str) -> tuple[CodeType, ModuleType]:
    """Return the code to run, and the module `__main__` to run it in."""
    from _fastbatch_agent import loops

    module = ModuleType("__main__")
    vars(module).update(__builtins__=sys.modules["builtins"], __package__=None, __spec__=None)
    if kind == "code":
        sys.argv[0] = "-c"
        try:
            return compile(target, "<string>", "exec", dont_inherit=True), module
        except (SyntaxError, ValueError):
            _run_without_doctor(kind)
    path = os.path.abspath(target)  # as Python does; `sys.argv[0]` is as the user wrote it
    if kind == "module":
        spec = importlib.util.find_spec(target)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{target}.__main__")
        if spec is None or spec.origin is None:
            raise SystemExit(f"{sys.executable}: No module named {target}")
        path = sys.argv[0] = spec.origin
        vars(module).update(__spec__=spec, __package__=spec.parent)
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    vars(module).update(__file__=path, __loader__=loader, __cached__=None)
    source = loader.get_data(path)
    try:
        return loops.instrumented(source, path), module
    except (SyntaxError, RecursionError, ValueError):
        _run_without_doctor(kind)


def _run_without_doctor(kind: str) -> NoReturn:
    """Let Python itself say what is wrong with a script that it cannot compile."""
    words = sys.orig_argv
    at = next(i for i, word in enumerate(words) if os.path.abspath(word) == os.path.abspath(__file__))
    option = {"module": ["-m"], "code": ["-c"]}.get(kind, [])
    os.execv(sys.executable, [*words[:at], *option, *words[at + 2 :]])


def _without_own_frames(show: Any) -> Any:
    """Return an exception hook that shows a traceback without the frames of the doctor."""

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        seen: set[int] = set()
        pending: list[BaseException | None] = [error]
        while pending:
            one = pending.pop()
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                one.__traceback__ = _stripped(one.__traceback__)
                pending += [one.__cause__, one.__context__]
        show(kind, error, _stripped(traceback))

    return hook


def _stripped(traceback: TracebackType | None) -> TracebackType | None:
    kept = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(HERE):
            kept.append(traceback)
        traceback = traceback.tb_next
    for entry, following in itertools.pairwise(kept):
        entry.tb_next = following
    if kept:
        kept[-1].tb_next = None
    return kept[0] if kept else None


def _compare(output: Any) -> None:
    """Run the loaders of fastbatch beside those of the script, in silence."""
    seconds = float(os.environ.get("FASTBATCH_DOCTOR_COMPARE", "0"))
    if seconds <= 0:
        return
    from _fastbatch_agent import keras, record

    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        found: Any = []
        try:
            from fastbatch.doctor.beside.compare import compare

            found = compare(record.SOURCES, keras.CALLS, seconds)
        except BaseException as error:  # also Ctrl-C: the script itself has ended
            found = [{"name": "", "problem": f"{type(error).__name__}: {error}"}]
        output.put("beside.json", found)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for number, descriptor in enumerate(kept, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(silence)


if __name__ == "__main__":
    main()
