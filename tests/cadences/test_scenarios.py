"""Every acceptance scenario has a test that bears its id, as the document says."""

import re
from pathlib import Path

import pytest

from config.env import BASE_DIR

HERE = Path(__file__).parent
LAST = {"A": 12, "B": 19, "C": 15, "D": 9, "E": 15, "F": 10, "G": 16, "H": 12}
IDS = [f"{letter}{n}" for letter, last in LAST.items() for n in range(1, last + 1)]
ROW = re.compile(r"^\| ([A-H]\d+) \| (.+) \|$", re.MULTILINE)
PLACE = re.compile(r"`(\w+)`: ((?:`\w+`(?:, )?)+)")
NAME = re.compile(r"def test_((?:[a-i]\d+_)+)(\w+)\(")


def documented() -> dict[str, list[tuple[str, str]]]:
    """Return the file and the name of each test of each scenario."""
    text = (BASE_DIR / "docs/cadences.md").read_text()
    text = text.partition("\n## Scenarios\n")[2].partition("\n## ")[0]
    return {
        key: [
            (file, name.strip("`"))
            for file, names in PLACE.findall(cell)
            for name in names.split(", ")
        ]
        for key, cell in ROW.findall(text)
    }


def written() -> set[tuple[str, str, str]]:
    """Return the scenario, the file and the name of each test that bears an id."""
    return {
        (key.upper(), path.stem.removeprefix("test_"), name)
        for path in HERE.glob("test_*.py")
        for ids, name in NAME.findall(path.read_text())
        for key in ids.strip("_").split("_")
    }


def test_the_document_names_every_scenario():
    assert list(documented()) == IDS


@pytest.mark.parametrize("key", IDS)
def test_the_tests_that_the_document_names_are_there_and_bear_the_id(key):
    named = {(key, file, name) for file, name in documented()[key]}

    assert named
    assert named <= written()
