# SPDX-License-Identifier: MIT
"""The table of faults in docs/errors.md: each row names the tests that prove it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "errors.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="needs the checkout")
def test_each_kind_of_fault_names_tests_that_exist():
    table = PAGE.read_text().partition("## What happens, by kind of fault")[2].partition("\n## ")[0]
    rows = [
        row.split("|") for row in table.splitlines() if row.startswith("| ") and not row.startswith(("| fault", "| **"))
    ]
    assert len(rows) > 25
    for _, fault, what, result, _ in rows:
        assert what.strip() in ("error", "skip", "limit", "none"), fault
        named = re.findall(r"(test_\w+\.py)::(test_\w+)", result)
        assert named, fault
        for file, name in named:
            assert re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE), f"{file}::{name}"
