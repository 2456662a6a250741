"""The import contracts are checks that can fail: each is seen to, on a planted line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the rooms to plant lines in."""
    copy = tmp_path_factory.mktemp("house")
    for room in ("config", "queues", "cadences", "syncs"):
        shutil.copytree(
            ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def judge(house: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-cache"],
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_as_it_stands_keeps_its_contracts(house):
    verdict = judge(house)

    assert verdict.returncode == 0, verdict.stdout


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("queues/claim.py", "import cadences.models", "config on top"),
        ("cadences/drain.py", "import syncs.apps", "config on top"),
        ("queues/claim.py", "import queues.work", "queues: edges"),
        ("queues/states.py", "import queues.models", "queues: edges"),
        ("cadences/drain.py", "import queues.settle", "front door"),
        ("cadences/drain.py", "import celery", "does not know Celery"),
        ("queues/enqueue.py", "import celery", "does not know Celery"),
    ],
)
def test_a_planted_import_breaks_its_contract(house, room, line, contract):
    file = house / room
    clean = file.read_text()
    file.write_text(f"{clean}\n{line}\n")
    try:
        verdict = judge(house)
    finally:
        file.write_text(clean)

    assert verdict.returncode != 0
    broken = [line for line in verdict.stdout.splitlines() if " BROKEN" in line]
    assert any(contract in line for line in broken), verdict.stdout


def test_the_map_of_the_readme_matches_the_rooms():
    readme = (ROOT / "README.md").read_text()
    rooms = {
        each.name
        for each in ROOT.iterdir()
        if each.is_dir() and not each.name.startswith((".", "__"))
    } - {"htmlcov"}

    assert rooms == {room for room in rooms if f"| `{room}/` |" in readme}


def test_no_file_outgrows_the_house():
    rooms = ("config", "queues", "cadences", "syncs")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    long = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines())
        for file in files
        if "migrations" not in file.parts and len(file.read_text().splitlines()) > 300
    }

    assert long == {}
