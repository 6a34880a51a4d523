"""What is printed of neurons: selections, selectors, power."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from otoscope.console.printing import MANY, Lines, chance_cells, count, counts_line, figure, point, table_of

if TYPE_CHECKING:
    from otoscope.neurons import Selection
    from otoscope.neurons.evidence.power import Power

_POWER_ROWS = 50  # classes told of one by one


def selection_lines(selection: "Selection") -> Lines:
    """A selection beside its chance level and its twins; without the first, no count is shown."""
    document = selection.document()
    yield f"{document['label']}: class-specific neurons by the preset {document['preset']}"
    if document["provenance"].get("equalised"):
        yield f"equalised: {document['provenance']['clips']:,} clips, as many of every class"
    if chance := document["chance"]:
        if test := document["test"]:
            yield from _test_lines(test)
        yield _chance_table(document)
        yield (
            f"chance: {chance['permutations']} permutations of {chance['distinct']} distinct ones, "
            f"{chance['design']} design"
        )
        yield chance["note"]
        yield from _twin_lines(document["twins"] or {"counts": [], "note": "twins were not asked for"})
        yield from counts_line("neurons by class", document["by_category"])
        if document["size_bias"] is not None:
            yield (
                f"class size bias: {document['size_bias']:+.2f}, the rank correlation of a class's neurons "
                "with its clips; far below 0, small classes are chosen for being small (see --equalise)"
            )
        yield from counts_line("neurons by layer", document["by_layer"])
    else:
        yield (
            "no count is shown without what permuted labels give; --permutations 100 adds it; the neurons "
            "themselves are saved"
        )


def _chance_table(document: Mapping[str, Any]) -> Table:
    chance = document["chance"]
    table = table_of("", "found", "chance", "95 % of permutations", "p")
    for words, key, form in (
        ("class-specific neurons", "neurons", "{:.0f}"),
        ("coverage of the classes", "coverage", "{:.2f}"),
        ("depth of selectivity (nats)", "depth", "{:.4f}"),
    ):
        table.add_row(words, figure(document[key], form), *chance_cells(chance[key], form))
    if chance["found_excess"] is not None:
        found = figure(chance["found_excess"], "{:.1f}")
        table.add_row("excess, all neurons (sd)", found, *chance_cells(chance["excess"], "{:.1f}"))
    return table


def _test_lines(test: Mapping[str, Any]) -> Lines:
    """What `specific` tested, and which classes it had to leave out."""
    fewest, most = min(test["groups"].values()), max(test["groups"].values())
    unit = "clips" if test["design"] == "ungrouped" else "groups"
    tested = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    rate = "false discovery rate" if test["correction"] == "bh" else "family-wise error rate"
    yield (
        f"{test['candidates']:,} candidates tested on {tested} {unit} a class: {test['significant']:,} pass "
        f"at a {rate} of {100 * test['alpha']:g} %, {test['selected']:,} of them with an AUROC of "
        f"{test['least_auroc']:g} or more"
    )
    for name, reason in list(test["refused"].items())[:MANY]:
        yield point(f"{name} cannot be tested: {reason}")
    if (more := len(test["refused"]) - MANY) > 0:
        yield point(f"nor can {count(more, 'more class', 'more classes')}; --json names them")


def _twin_lines(twins: Mapping[str, Any]) -> Lines:
    """What the same selection finds in twins that have learned nothing, or how to record some."""
    if twins["counts"]:
        table = table_of("the same selection in twins", "neurons", "coverage")
        for twin in twins["counts"]:
            table.add_row(twin["twin"], f"{twin['neurons']}", f"{twin['coverage']:.2f}")
        yield table
    if twins["note"]:
        yield twins["note"]


def power_lines(power: "Power") -> Lines:
    """What can be found with these clips: in sentences, and class by class."""
    document = power.document()
    unit = "clips" if document["design"] == "ungrouped" else "groups"
    yield f"{document['label']}: what can be found"
    for sentence in document["sentences"]:
        yield point(sentence)
    rows = document["classes"]
    columns = ("class", "clips", unit, "to test on", "smallest shift", "if many")
    table = table_of(*columns) if unit == "groups" else table_of(*columns[:2], *columns[3:])
    for row in rows[:_POWER_ROWS]:
        counts = [row["clips"], row["groups"]] if unit == "groups" else [row["clips"]]
        shifts = (figure(row[key], "{:.2f}") for key in ("shift", "shift_of_many"))
        table.add_row(row["category"], *(str(count) for count in [*counts, row["groups_b"]]), *shifts)
    yield table
    if len(rows) > _POWER_ROWS:
        yield f"... and {len(rows) - _POWER_ROWS} more classes; --json has them all"
    refused = [row for row in rows if row["reason"]]
    for row in refused[:MANY] if len(refused) < len(rows) else ():
        yield point(f"{row['category']} cannot be tested: {row['reason']}")
