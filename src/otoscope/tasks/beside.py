"""Tables that people keep in a data set's folder, or in the one above it."""

from pathlib import Path

from otoscope.tasks.tree import Tree

__all__ = ["beside"]


def beside(tree: Tree, name: str) -> str | None:
    """The path of a table in the data set's folder, above it, or beside its archive; None if in none."""
    if name in tree:
        return tree.path(name)
    above = Path(tree.place).expanduser().absolute().parent / name
    return str(above) if above.is_file() else None
