"""The tables of defects name tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "\n".join(each.read_text() for each in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("number", range(1, 10))
def test_each_defect_of_segments_has_tests(number: int):
    text = (ROOT / "docs" / "syncs.md").read_text()
    (row,) = re.findall(rf"^\| B{number} \|.*$", text, re.MULTILINE)

    named = re.findall(r"`(test_\w+)`", row)

    assert named
    assert [name for name in named if f"def {name}(" not in TESTS] == []
