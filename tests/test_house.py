"""The plan of the house: a room imports only from floors below its own, or from itself."""

import ast
from pathlib import Path

import pytest

import otoscope

SOURCE = Path(otoscope.__file__).parent
GROUND = (
    "errors",
    "provenance",
    "files",
    "audio",
    "arrow_files",
    "containers",
    "decoders",
    "urls",
    "threads",
    "engines",
    "plots",
    "drawing",
)
FLOORS = {
    **dict.fromkeys(GROUND, 0),
    **dict.fromkeys(("tasks", "models"), 1),
    "activations": 2,
    "descriptors": 2,
    "neurons": 3,
    "interventions": 4,
    "listening": 4,
    "reporting": 5,
    "pretraining": 5,
    "study": 6,
    "console": 7,
    "cli": 7,
}


def rooms_imported(path: Path) -> set[str]:
    """The rooms that a file imports, also late and for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "otoscope" else [f"otoscope.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("otoscope.")}
    return found & set(FLOORS)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    for other in rooms_imported(path) - {room}:
        level = FLOORS[other] == FLOORS[room] and (room in GROUND or room == "cli")
        assert FLOORS[other] < FLOORS[room] or level, f"{room} imports {other}"
