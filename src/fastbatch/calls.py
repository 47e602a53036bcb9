# SPDX-License-Identifier: MIT
"""Signatures of public functions and methods, and errors of wrong calls that suggest the nearest option."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from fastbatch.checks import shown

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

# Options of other libraries -> our option with the same meaning; ADVICE has those without one.
OTHER_WORDS = {
    "color_mode": "color",
    "drop_remainder": "drop_last",
    "data_format": "layout",
    "image_size": "size",
    "index": "rank",
    "interpolation": "filter",
    "max_queue_size": "prefetch",
    "n_jobs": "threads",
    "num_parallel_calls": "threads",
    "num_replicas": "world_size",
    "num_shards": "world_size",
    "num_workers": "threads",
    "prefetch_factor": "prefetch",
    "random_state": "seed",
    "rescale": "scale",
    "seq_length": "length",
    "sequence_length": "length",
    "sequence_stride": "stride",
    "shuffle_files": "shuffle",
    "target_size": "size",
    "workers": "threads",
}
_NO_PROCESSES = "there are no worker processes"
_PASSES = "a loop over the loader is one epoch, and repeat() of the loader makes several"
_RANKS = "use shard=(rank, world_size)"
_SAMPLED = "use shuffle=, weights=, balance= or shard="
_SPLIT = "use split(validation=...) of the loader"
ADVICE = {
    "batch_sampler": f"{_SAMPLED}, and batch_size=",
    "buffer_size": "shuffle=True shuffles the whole epoch, without a buffer",
    "cache": "data is read from the files, which the system keeps in memory",
    "class_weight": "use fit(class_weight=fastbatch.class_weight(loader)), or balance=",
    "collate_fn": "use map() of the loader",
    "deterministic": "batches always come in the same order",
    "epochs": _PASSES,
    "generator": "use seed=",
    "groups": _SPLIT,
    "multiprocessing_context": _NO_PROCESSES,
    "num_epochs": _PASSES,
    "num_parallel_calls": "functions run in the thread that asks for the batch; threads make the batches",
    "num_replicas": _RANKS,
    "persistent_workers": "threads stay as long as the loader",
    "pin_memory": "batches are ordinary NumPy arrays",
    "rank": _RANKS,
    "repeat": _PASSES,
    "reshuffle_each_iteration": "with shuffle=True each epoch has an order of its own",
    "sampler": _SAMPLED,
    "steps_per_epoch": "use take(n) of the loader, or steps_per_epoch= of fit()",
    "stratify": _SPLIT,
    "subset": _SPLIT,
    "target_transform": "use map() of the loader",
    "test": "split one of the parts again",
    "timeout": _NO_PROCESSES,
    "use_multiprocessing": _NO_PROCESSES,
    "validation_split": _SPLIT,
    "worker_init_fn": _NO_PROCESSES,
    "world_size": _RANKS,
}

_NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature(inspect.Signature):
    """A signature whose text has one parameter per line if it is long."""

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) <= 80:
            return text
        kinds = inspect.Parameter
        shown: list[str] = []
        has_star = False
        for parameter in self.parameters.values():
            if parameter.kind is kinds.KEYWORD_ONLY and not has_star:
                shown.append("*")
            has_star = has_star or parameter.kind in (kinds.VAR_POSITIONAL, kinds.KEYWORD_ONLY)
            shown.append(str(parameter))
        result = (
            "" if self.return_annotation is self.empty else f" -> {inspect.formatannotation(self.return_annotation)}"
        )
        return "(\n    " + ",\n    ".join(shown) + f",\n){result}"


class _Text(str):
    """An annotation whose repr has no quotes."""

    def __repr__(self) -> str:
        return str(self)


def takes(options: type | Callable[..., Any]) -> Callable[[F], F]:
    """Declare that the `**options` of a function are the fields of a dataclass, or the options of another function."""

    def declare(function: F) -> F:
        function.__dict__["__options__"] = options
        return function

    return declare


def signature_of(function: Callable[..., Any], skip: int = 0) -> Signature:
    """Return the signature of a function without its first `skip` parameters, with `**options` expanded."""
    found = inspect.signature(function)
    parameters = [_shown(parameter) for parameter in list(found.parameters.values())[skip:]]
    options = getattr(function, "__options__", None)
    if options is not None and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        parameters.pop()
        named = {parameter.name for parameter in parameters}
        parameters += [option for option in _options_of(options) if option.name not in named]
    result = found.return_annotation
    return Signature(parameters, return_annotation=_Text(result) if isinstance(result, str) else result)


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    annotation = parameter.annotation
    return parameter.replace(annotation=_Text(annotation)) if isinstance(annotation, str) else parameter


def _options_of(options: Any) -> list[inspect.Parameter]:
    if isinstance(options, type):
        return [_option(field) for field in fields(options)]
    named = signature_of(options).parameters.values()
    optional = [parameter for parameter in named if parameter.default is not inspect.Parameter.empty]
    return [parameter for parameter in optional if parameter.kind is inspect.Parameter.KEYWORD_ONLY]


def _option(field: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_Text(field.type))


def check_call(name: str, signature: inspect.Signature, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """Raise TypeError, with the public function's name, if the arguments do not match its signature."""
    try:
        signature.bind(*arguments, **options)
    except TypeError as error:
        raise TypeError(_explained(name, signature, options, str(error))) from None


def _explained(name: str, signature: inspect.Signature, options: Mapping[str, Any], reason: str) -> str:
    parameters = signature.parameters.values()
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        names = [parameter.name for parameter in parameters if parameter.kind in _NAMED]
        for option in options:
            if option not in names:
                return f"{name}() has no option {shown(option)}{_instead(option, names)}"
    return f"{name}(): {reason}"


def _instead(option: str, names: list[str]) -> str:
    """Return the advice for an option that the function does not have, or an empty string."""
    if OTHER_WORDS.get(option) in names:
        return f"; use {OTHER_WORDS[option]}="
    return f"; {ADVICE[option]}" if option in ADVICE else nearest(option, names)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the most similar known word, or an empty string."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {shown(found[0])}?" if found else ""


def explained(function: F, name: str = "") -> F:
    """Return a method whose wrong calls are refused in the words of its public name.

    Args:
        name: Of the class, for a constructor; "" for a method, which names the class of the object and itself.
    """
    signature = signature_of(function, skip=1)
    is_checked_first = hasattr(function, "__options__")  # Python itself does not know the names behind `**options`

    @functools.wraps(function)
    def checked(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            if is_checked_first:
                signature.bind(*arguments, **options)
            return function(self, *arguments, **options)
        except TypeError:  # of the call, or from inside
            check_call(name or f"{type(self).__name__}.{function.__name__}", signature, arguments, options)
            raise

    return checked  # type: ignore[return-value]


def public_class(cls: C) -> C:
    """Explain wrong calls of a class and of its public methods; for use as a class decorator."""
    for attribute, value in list(vars(cls).items()):
        is_public = not attribute.startswith("_") or attribute == "__init__"
        if is_public and inspect.isfunction(value) and len(inspect.signature(value).parameters) > 1:
            setattr(cls, attribute, explained(value, cls.__name__ if attribute == "__init__" else ""))
    return cls
