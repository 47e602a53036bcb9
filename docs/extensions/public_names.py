# SPDX-License-Identifier: MIT
"""Shows the public functions and classes as they are at run time: with whole signatures, and where users find them.

`fastbatch.images` is made when it is first used, from a function and the implementation that it works with. Its source
has another signature, and is in a module that users do not import. So the reference takes every name in `__all__` from
the imported package, by `inspect`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from typing import Any

import griffe

MODULES = ("fastbatch", "fastbatch.keras", "fastbatch.torch")


class PublicNames(griffe.Extension):
    """Replaces each public name by what `inspect` says of the object itself."""

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Replace the names, once the package is loaded."""
        if pkg.path != "fastbatch":
            return
        for path in MODULES:
            module = pkg if path == pkg.path else pkg[path.removeprefix(f"{pkg.path}.")]
            try:
                runtime = importlib.import_module(path)
            except ModuleNotFoundError:  # without torch, its page shows what the source says
                continue
            for name in runtime.__all__:
                thing = getattr(runtime, name)
                make = make_class if inspect.isclass(thing) else make_function
                module.set_member(name, make(name, thing, module, loader))


def make_class(name: str, thing: type, module: griffe.Module, loader: griffe.GriffeLoader) -> griffe.Class:
    """Return griffe's form of a class, with what it inherits from others of the package."""
    bases = [base.__name__ for base in thing.__bases__]
    made = griffe.Class(name, bases=bases, docstring=docstring(thing, loader))
    own = [base for base in thing.__mro__ if base.__module__.startswith("fastbatch")]
    if any("__init__" in vars(base) for base in own):
        made.set_member("__init__", make_function("__init__", thing.__init__, module, loader))
    for base in own:
        for member, value in vars(base).items():
            if member.startswith("_") or member in made.members:
                continue
            if isinstance(value, property):
                returned = inspect.signature(value.fget).return_annotation
                attribute = griffe.Attribute(
                    member, annotation=annotation(returned, module), docstring=docstring(value, loader)
                )
                attribute.labels.add("property")
                made.set_member(member, attribute)
            elif inspect.isroutine(value):
                function = make_function(member, getattr(thing, member), module, loader)
                function.labels.update({type(value).__name__} & {"classmethod", "staticmethod"})
                made.set_member(member, function)
    return made


def make_function(name: str, thing: Any, module: griffe.Module, loader: griffe.GriffeLoader) -> griffe.Function:
    """Return griffe's form of a function."""
    signature = inspect.signature(thing)
    kinds = {kind: griffe.ParameterKind[kind.name.lower()] for kind in inspect._ParameterKind}
    parameters = [
        griffe.Parameter(
            parameter.name,
            annotation=annotation(parameter.annotation, module),
            kind=kinds[parameter.kind],
            default=None if parameter.default is parameter.empty else repr(parameter.default),
        )
        for parameter in signature.parameters.values()
    ]
    returns = annotation(signature.return_annotation, module)
    return griffe.Function(
        name, parameters=griffe.Parameters(*parameters), returns=returns, docstring=docstring(thing, loader)
    )


def docstring(thing: Any, loader: griffe.GriffeLoader) -> griffe.Docstring | None:
    """Return an object's own docstring, or an inherited one."""
    text = inspect.getdoc(thing)
    if text is None:
        return None
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)  # griffe's name of the section
    return griffe.Docstring(text, parser=loader.docstring_parser, parser_options=loader.docstring_options)


def annotation(given: Any, module: griffe.Module) -> str | griffe.Expr | None:
    """Return an annotation as its source has it; names of the module become links."""
    if given is inspect.Signature.empty:
        return None
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    return griffe.safe_get_annotation(ast.parse(text, mode="eval").body, parent=module)
