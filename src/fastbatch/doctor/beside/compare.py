# SPDX-License-Identifier: MIT
"""Compares the loaders that the agent has seen with fastbatch's: in the user's process, after the script."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from . import keras_call, torch_loader
from .lines import diffs

_MOST = 3  # loaders: those that took longest


def compare(sources: Sequence[Any], calls: Sequence[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """Return a comparison for each loader that fastbatch has an equivalent of.

    Args:
        sources: Records of the agent, with their loaders.
        calls: Calls of Keras's, as the agent noted them.
        seconds: For all comparisons together.
    """
    loaders = [s for s in sources if s.kind == "torch" and s.object is not None and not s.is_inside]
    loaders = [source for source in loaders if not source.facts.get("is_ours")]
    loaders.sort(key=lambda source: -(source.wait_s + source.work_s))
    work: list[tuple[str, str, Callable[[float], dict[str, Any]]]] = [
        (source.name, source.place, lambda s, source=source: torch_loader.compare(source.object, s))  # type: ignore[misc]
        for source in loaders
    ]
    work += [
        (call["name"], call["place"], lambda s, call=call: keras_call.compare(call, s))  # type: ignore[misc]
        for call in list(calls)
    ]
    results = []
    for name, place, run in work[:_MOST]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = run(seconds / min(_MOST, len(work)))
        except Exception as error:  # of the loader, of a missing library: the reader wants to know
            result = {"problem": f"{type(error).__name__}: {error}"}
        if result.get("same"):
            result["diff"] = diffs(result["ours"].rpartition(".")[2])
        results.append({"name": name, "place": place, "problem": "", **result})
    return results
