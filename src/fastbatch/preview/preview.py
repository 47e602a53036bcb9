# SPDX-License-Identifier: MIT
"""`loader.preview()`: some samples of a loader, as a picture, a table, or in a notebook."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

from fastbatch.calls import public_class
from fastbatch.checks import shown

from . import kinds, tables
from .kinds import Part

_PICTURES = (".png", ".svg", ".pdf")


@public_class
class Preview:
    """Some samples of a loader: as `Loader.preview` returns it. Notebooks show it; `save` writes it; `print` lists it.

    Attributes:
        batch: The first samples, as the loader gives them.
        before: The same ones without random changes; None if the loader makes none.
        n: The number of samples.

    Raises:
        ImportError: By `save`, and in notebooks: a picture needs matplotlib (the extra `plot`).

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.images("photos/train", size=64, flip=True, batch_size=16, shuffle=True, seed=1)
        >>> preview = loader.preview(8)
        >>> preview.n, preview.batch[0].shape
        (8, (8, 3, 64, 64))
        >>> preview.save("preview.png")
    """

    def __init__(
        self, batch: Any, before: Any, n: int, title: str, parts: list[Part], before_parts: list[Part]
    ) -> None:
        self.batch, self.before, self.n = batch, before, n
        self._title, self._parts, self._before = title, parts, before_parts

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the samples.

        Args:
            path: `.png`, `.svg` or `.pdf`: a picture, which needs matplotlib (the extra `plot`). `.html`: one page,
                with pictures of images and series, and tables of text and numbers.

        Raises:
            ValueError: Another suffix.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".html":
            head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>preview</title>'
            page = f"{head}{self._repr_html_()}</html>\n"
            Path(path).write_text(page, encoding="utf-8")
        elif suffix in _PICTURES:
            Path(path).write_bytes(self._picture(suffix[1:]))
        else:
            names = ", ".join((*_PICTURES, ".html"))
            raise ValueError(f"save: expected a name that ends in {names}, found {shown(os.fspath(path))}")

    def _picture(self, suffix: str) -> bytes:
        from .picture import draw

        content = io.BytesIO()
        draw(self._title, self._parts, self._before, self.n, content, suffix)
        return content.getvalue()

    def _repr_html_(self) -> str:
        shown = f'<p style="font-family:sans-serif;color:#5d6b7a">{tables.escaped(self._title)}</p>'
        if any(part.is_drawn for part in self._parts):
            picture = base64.b64encode(self._picture("png")).decode()
            shown += f'<img style="max-width:100%" alt="samples of the loader" src="data:image/png;base64,{picture}">'
        return shown + tables.html([part for part in self._parts if not part.is_drawn], self.n)

    def __repr__(self) -> str:
        return "\n".join([self._title, *tables.lines(self._parts, self.n)])


def preview(loader: Any, n: int) -> Preview:
    """Return a preview of the first `n` samples of the next epoch. The loader's position does not change."""
    copied = loader._copy_for_preview()
    with copied:
        batch, n = kinds.first(copied, n)
    copied = loader._copy_for_preview()
    calm = copied._for_evaluation()
    before = None
    if calm is not copied:
        with calm:
            before, _ = kinds.first(calm, n)
    return Preview(
        batch,
        before,
        n,
        repr(loader),
        kinds.parts(copied, batch),
        [] if before is None else kinds.parts(calm, before),
    )
