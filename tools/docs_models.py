"""Puts the table of model families, as the code has it, into the page "Models" when the documentation is built."""

from typing import Any

from otoscope.models import ModelRow, available

MARK = "{{ families }}"
COLUMNS = {
    "Name": "name",
    "What it is": "about",
    "Neurons": "layers",
    "Hook point": "hook",
    "Tokens": "tokens",
    "Shortest clip": "shortest",
    "Padding": "padding",
    "Tested against": "tested",
}


def on_page_markdown(markdown: str, **_context: Any) -> str:
    """MkDocs calls this for every page."""
    return markdown.replace(MARK, table(available())) if MARK in markdown else markdown


def table(rows: list[ModelRow]) -> str:
    lines = [" | ".join(["", *COLUMNS, ""]).strip(), "|" + "---|" * len(COLUMNS)]
    lines += [" | ".join(["", *(cell(row, name) for name in COLUMNS.values()), ""]).strip() for row in rows]
    return "\n".join(lines)


def cell(row: ModelRow, name: str) -> str:
    text = str(getattr(row, name)).replace("|", "\\|")
    return f"`{text}`" if name in ("name", "hook") and text else text
