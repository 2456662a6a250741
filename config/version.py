"""Which code this is."""

from pathlib import Path

from config.env import BASE_DIR

SHORT = 10
UNKNOWN = "unknown"


def commit(checkout: Path = BASE_DIR) -> str:
    """Return the commit that is checked out, read without starting git."""
    try:
        home = checkout / ".git"
        if home.is_file():  # a worktree says where its own files are
            home = Path(home.read_text().removeprefix("gitdir:").strip())
        head = (home / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = _of_branch(home, head.removeprefix("ref: "))
    except (OSError, UnicodeDecodeError):
        return UNKNOWN
    return head[:SHORT] or UNKNOWN


def _of_branch(home: Path, name: str) -> str:
    shared = home / "commondir"
    common = home / shared.read_text().strip() if shared.exists() else home
    if (loose := common / name).exists():
        return loose.read_text().strip()
    for line in (common / "packed-refs").read_text().splitlines():
        if line.endswith(f" {name}"):
            return line.partition(" ")[0]
    return ""
