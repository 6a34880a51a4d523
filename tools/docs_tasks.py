"""Puts what the readers say of themselves into the page "Tasks" when the docs are built."""

import inspect
import re

from otoscope.tasks import Reader, available

TABLE = "{{ data sets }}"
SECTIONS = "{{ data sets in detail }}"
OWN = "{{ your own }}"
_URL = re.compile(r"(https?://[^\s,;)`]+)(?![^`\s]*`)")  # not those in code
_NAME = re.compile(r"(?<!\w)_(\w+)_(?!\w)")  # `_silence_` is a folder, no emphasis


def on_page_markdown(markdown: str, **_context: object) -> str:
    """MkDocs calls this for every page."""
    if TABLE not in markdown:
        return markdown
    public = [reader for reader in available() if reader.citation]
    own = [reader for reader in available() if not reader.citation]
    markdown = markdown.replace(TABLE, table(public))
    markdown = markdown.replace(SECTIONS, "\n".join(map(section, public)))
    return markdown.replace(OWN, "\n".join(map(section, own)))


def table(readers: list[Reader]) -> str:
    lines = ["| `--task` | Clips | Labelings (classes) | Splits | Licence |", "|---|---|---|---|---|"]
    for reader in readers:
        name = "<br>".join(map(prefix, reader.prefixes))
        clips = f"{reader.clips:,}" if reader.clips else ""
        lines.append(f"| {name} | {clips} | {labelings(reader)} | {reader.splits} | {reader.licence} |")
    return "\n".join(lines)


def prefix(name: str) -> str:
    """A cell of a narrow column, in which a name must not be broken."""
    return f'<code style="white-space: nowrap">{name}:</code>'


def section(reader: Reader) -> str:
    facts = {
        "Needs": reader.needs,
        "Labelings": labelings(reader),
        "Splits": reader.splits,
        "EVAR's length": f"{reader.evar_seconds:g} s" if reader.evar_seconds else "",
        "Obtain" if reader.obtain.startswith("get") else "If it is refused": _URL.sub(r"<\1>", reader.obtain),
        "Cite": reader.citation,
        "Licence": reader.licence,
    }
    title = f"### `{reader.name}`"
    names = " or ".join(f"`{name}:`" for name in reader.also)
    also = f"\n\nEVAR calls it {names}; so may you." if names else ""
    layout = f"\n\n```text\n{reader.layout}\n```" if reader.layout else ""
    lines = [f"- *{name}*: {fact}" for name, fact in facts.items() if fact]
    listed = _NAME.sub(r"\\_\1\\_", "\n".join(lines))
    return f"{title}\n\n{inspect.getdoc(type(reader))}{also}{layout}\n\n{listed}\n"


def labelings(reader: Reader) -> str:
    return ", ".join(f"{name} ({size:,})" if size else name for name, size in reader.labelings.items())
