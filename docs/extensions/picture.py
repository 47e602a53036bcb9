# SPDX-License-Identifier: MIT
"""What the drawn pictures of the documentation have in common: size, fonts and lines of text."""

from __future__ import annotations

WIDTH = 960


def picture(height: int, title: str, description: str, drawn: list[str]) -> str:
    """Return an SVG document with the drawn elements on a pale ground."""
    body = "\n  ".join(drawn)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" \
font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#1f2933" role="img">
  <title>{title}</title>
  <desc>{description}</desc>
  <style>.head{{font-weight:bold}}.note{{font-size:12px;fill:#52606d}}.n{{font-size:11px;fill:#fff}}</style>
  <rect width="{WIDTH}" height="{height}" rx="10" fill="#f7f9fa"/>
  {body}
</svg>
"""


def text(x: float, y: float, words: str, kind: str) -> str:
    """Return a line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{words}</text>'
