"""What looking after stores found out, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.console.printing import Lines
from otoscope.reporting.wording import counted

if TYPE_CHECKING:
    from otoscope.activations import Difference, Verification

__all__ = ["difference_lines", "verified_lines"]

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


def difference_lines(found: Difference) -> Lines:
    """What differs between two stores."""
    yield f"a: {found.a}"
    yield f"b: {found.b}"
    for row in found.facts.to_dict("records"):
        yield f"  {row['fact']}: {row['a']} | {row['b']}"
    if found.data.empty:
        yield "  other clips or neurons: the numbers are not compared"
    for row in found.data.to_dict("records"):
        if row["differing"]:
            yield (
                f"  {row['array']}: {row['differing']:,} of {row['values']:,} values differ, in "
                f"{counted(row['clips'], 'clip')}, by {row['largest']:.3g} at most"
            )
    if found.same_data:
        yield "  the recorded numbers are the same to the bit"
    for where, what in (("a", "only in a"), ("b", "only in b"), ("both", "different")):
        names = found.results.loc[found.results["where"] == where, "result"]
        if len(names):
            yield f"  results {what}: {', '.join(names.head(_SHOWN))}{' ...' if len(names) > _SHOWN else ''}"
