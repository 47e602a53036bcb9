# SPDX-License-Identifier: MIT
"""Pages that lie outside docs/, and links to them: written for readers of the checkout, and right in the site too."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGES = {  # of the checkout, and their names in the site
    "csrc/README.md": "core-map.md",
    "src/fastbatch/README.md": "package-map.md",
    "bench/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
ORIGINS = {page: path for path, page in PAGES.items()}
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to those pages, and from them to docs/; of a link to what is no page, keep the words."""
    name = page.file.src_uri
    origin = ORIGINS.get(name, f"docs/{name}")

    def replaced(match: re.Match[str]) -> str:
        label, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if not (ROOT / path).exists():
            raise ValueError(f"{origin}: link to {path}, which is not there")
        if path not in PAGES and not path.startswith("docs/"):
            return label
        page_path = PAGES.get(path, path.removeprefix("docs/"))
        return f"[{label}]({posixpath.relpath(page_path, posixpath.dirname(name) or '.')}{anchor})"

    return LINK.sub(replaced, markdown)
