# SPDX-License-Identifier: MIT
"""Shows the public functions as they are at run time: with whole signatures, and where users find them.

`fastbatch.images` is made when the package is imported, from a function and the implementation that it works with. Its
source has another signature, and lies in a module that users do not import. So the reference takes each function in
`__all__` from the imported package.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from typing import Any

import griffe

MODULES = ("fastbatch", "fastbatch.keras")


class PublicNames(griffe.Extension):
    """Replaces each public function by what `inspect` says of the object itself."""

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Replace the functions, once the package is loaded."""
        if pkg.path != "fastbatch":
            return
        for path in MODULES:
            module = pkg if path == pkg.path else pkg[path.removeprefix(f"{pkg.path}.")]
            runtime = importlib.import_module(path)
            for name in runtime.__all__:
                thing = getattr(runtime, name)
                if inspect.isroutine(thing):
                    module.set_member(name, function(name, thing, module, loader))


def function(name: str, thing: Any, module: griffe.Module, loader: griffe.GriffeLoader) -> griffe.Function:
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
    text = inspect.getdoc(thing)
    return griffe.Function(
        name,
        parameters=griffe.Parameters(*parameters),
        returns=annotation(signature.return_annotation, module),
        docstring=None
        if text is None
        else griffe.Docstring(text, parser=loader.docstring_parser, parser_options=loader.docstring_options),
    )


def annotation(given: Any, module: griffe.Module) -> str | griffe.Expr | None:
    """Return an annotation as its source has it; names of the module become links."""
    if given is inspect.Signature.empty:
        return None
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    return griffe.safe_get_annotation(ast.parse(text, mode="eval").body, parent=module)
