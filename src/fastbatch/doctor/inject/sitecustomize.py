# SPDX-License-Identifier: MIT
"""Starts the agent. Every Python under `fastbatch doctor` imports it: its PYTHONPATH begins with this folder."""

import contextlib
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def _import_users_own() -> None:
    """Import the `sitecustomize` that this file hides, if there is one."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    hidden = sys.modules.pop("sitecustomize", None)
    try:
        if importlib.util.find_spec("sitecustomize") is not None:
            importlib.import_module("sitecustomize")
    finally:
        if hidden is not None:
            sys.modules.setdefault("sitecustomize", hidden)


def _start_agent() -> None:
    folder = os.environ.get("FASTBATCH_DOCTOR")
    if not folder or not os.path.isdir(folder):
        return
    home = os.path.join(os.path.dirname(HERE), "agent")
    spec = importlib.util.spec_from_file_location(
        "_fastbatch_agent", os.path.join(home, "__init__.py"), submodule_search_locations=[home]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["_fastbatch_agent"] = agent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(agent)
    importlib.import_module("_fastbatch_agent.start").start(folder)


if __name__ == "sitecustomize":
    with contextlib.suppress(Exception):  # the doctor must not break the script that it watches
        _start_agent()
    _import_users_own()
