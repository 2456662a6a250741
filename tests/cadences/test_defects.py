"""The table of the ancestor's defects names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (D\d+) \|.*\| (.*) \|$", re.MULTILINE)


def test_each_of_the_22_defects_has_what_keeps_it_out():
    text = (ROOT / "docs" / "cadences.md").read_text()
    rows = dict(ROW.findall(text[text.index("## Defects that this replaces") :]))
    tests = "".join(each.read_text() for each in (ROOT / "tests/cadences").glob("*.py"))

    assert len(rows) == 22
    for name, kept in rows.items():
        named = re.findall(r"`([a-z]\w*(?:_\w+){3,})`", kept)
        tested = [each for each in named if f"def test_{each}(" in tests]
        assert tested or name == "D10", name  # a benchmark, which prints its figure
        rules = set(named) - set(tested)
        assert rules <= {"run_due_iff_active", "run_one_live_per_cadence"}, name
