"""Puts the table of model families, as the code has it, into the page "Models" when the docs are built."""

from typing import Any

from otoscope.models import ModelRow, available

MARK = "{{ families }}"
# Each column of the table, and what stands in it line by line; names and patterns as code.
COLUMNS = {
    "Family": ("name", "about"),
    "Neurons, hook point": ("layers", "hook"),
    "Tokens": ("tokens",),
    "Shortest clip; padding": ("shortest", "padding"),
    "Tested against": ("tested",),
}
CODE = ("name", "hook")


def on_page_markdown(markdown: str, **_context: Any) -> str:
    """MkDocs calls this for every page."""
    return markdown.replace(MARK, table(available())) if MARK in markdown else markdown


def table(rows: list[ModelRow]) -> str:
    lines = [list(COLUMNS), ["---"] * len(COLUMNS)]
    lines += [[cell(row, parts) for parts in COLUMNS.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(row: ModelRow, parts: tuple[str, ...]) -> str:
    texts = {part: str(getattr(row, part)).replace("|", "\\|") for part in parts}
    return "<br>".join(f"`{text}`" if part in CODE else text for part, text in texts.items() if text)
