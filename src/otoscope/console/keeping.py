"""What looking after stores found out, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.console.printing import Lines
from otoscope.reporting.wording import counted

if TYPE_CHECKING:
    from otoscope.activations import Verification

__all__ = ["verified_lines"]

_SHOWN = 20


def verified_lines(found: Verification) -> Lines:
    """Whether a store is what was written."""
    yield f"{found.path}: {counted(found.files, 'file')} read, {found.size / 1e6:,.1f} MB"
    if found.missing:
        yield f"  {counted(len(found.missing), 'shard')} not recorded yet"
    for row in found.damaged.head(_SHOWN).to_dict("records"):
        yield f"  {row['file']} {row['problem']}"
    if len(found.damaged) > _SHOWN:
        yield f"  and {len(found.damaged) - _SHOWN} more"
    yield from (f"  {note}" for note in found.notes)
    if found.damaged.empty:
        yield "  all as it was written"
    elif found.mended:
        yield "  recorded anew: all as it was written"
    else:
        yield f"  {counted(len(found.damaged), 'damaged file')}; --repair records them anew"
