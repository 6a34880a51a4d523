"""What is printed of models compared, and of selectors compared."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from otoscope.console.printing import MANY, Lines, count, figure, point, table_of

_MEASURES = {"best": "best neuron of each class", "chosen": "neurons that {preset} chooses"}

_MOST_SELECTORS = 15  # whose agreement fits into 80 columns


def comparison_lines(document: Mapping[str, Any]) -> Lines:
    """Models side by side: counts beside chance and twins, effects, differences, and what is not covered."""
    names = [row["model"] for row in document["models"] if not row["of"]]
    yield (
        f"{document['label']}: {len(names)} models on the same {document['clips']:,} clips in "
        f"{document['groups']:,} groups"
    )
    yield from _selected(document)
    for measure, words in _MEASURES.items():
        if not any(row["measure"] == measure for row in document["effects"]):  # the preset refused
            continue
        yield ""
        yield f"AUROC on unseen clips: {words.format(preset=document['preset'])}"
        yield from _effects(document, measure)
        yield from _differences(document, measure)
        yield from _by_class(document, measure, names)
    yield from _sharing(document["sharing"])
    yield ""
    for note in document["notes"]:
        yield point(note)


def _selected(document: Mapping[str, Any]) -> Lines:
    """How many neurons and classes each model's selection has, beside chance and the twins, if any has."""
    if all(figure(row["neurons"], "{}") == "-" for row in document["models"]):  # refused, as the notes say
        return
    forms = {"neurons": "{:,.0f}", "coverage": "{:.2f}"}
    table = table_of("selected", "neurons", "by chance", "coverage", "by chance ")
    for row in _numbered(document["models"]):
        cells = []
        for what, form in forms.items():
            low, high = (figure(row[f"{what}_{end}"], form) for end in ("low", "high"))
            cells += [figure(row[what], form), "" if low == "-" else f"{low} to {high}"]
        table.add_row(row["name"], *cells)
    yield f"selected by {document['preset']} from all clips; by chance: 95 % of permutations of the labels"
    yield table


def _effects(document: Mapping[str, Any], measure: str) -> Lines:
    table = table_of("mean over classes", "AUROC", "95 %", "classes", "pairs")
    for row in _numbered(_means(document["effects"], measure)):
        table.add_row(
            row["name"],
            figure(row["auroc"], "{:.3f}"),
            _band(row, "{:.3f}"),
            f"{row['classes']}",
            f"{row['pairs']:,}",
        )
    yield table


def _differences(document: Mapping[str, Any], measure: str) -> Lines:
    table = table_of("difference, same groups", "AUROC", "95 %", "classes")
    for row in _means(document["differences"], measure):
        if not row["classes"]:  # none of which both have neurons
            continue
        named = f"{row['first']} - {row['second']}"
        table.add_row(named, figure(row["difference"], "{:+.3f}"), _band(row, "{:+.3f}"), f"{row['classes']}")
    if table.row_count:
        yield table


def _by_class(document: Mapping[str, Any], measure: str, names: Sequence[str]) -> Lines:
    """Each class: the models, and the difference of the first two."""
    areas = {
        (row["model"], row["category"]): row["auroc"]
        for row in document["effects"]
        if row["measure"] == measure and not row["of"]
    }
    apart = [
        row
        for row in document["differences"]
        if (row["measure"], row["first"], row["second"]) == (measure, *names[:2]) and row["category"]
    ]
    known = sorted(
        (row for row in apart if row["difference"] == row["difference"]),
        key=lambda row: -abs(row["difference"]),
    )[:MANY]
    if not known:
        return
    first = (
        ""
        if len(apart) <= MANY
        else f", the {MANY} with the largest difference of {len(apart)}; --json has all"
    )
    yield f"by class{first}"
    numbers = [str(number) for number in range(1, len(names) + 1)]
    table = table_of("class", *numbers, "1 - 2", "95 %")
    for row in (row for row in apart if row in known):
        each = (figure(areas.get((name, row["category"])), "{:.3f}") for name in names)
        table.add_row(row["category"], *each, figure(row["difference"], "{:+.3f}"), _band(row, "{:+.3f}"))
    yield table


def _sharing(rows: Sequence[Mapping[str, Any]]) -> Lines:
    for row in rows:
        yield ""
        yield f"do the same classes share neurons? {row['first']} and {row['second']}"
        if row["note"]:
            yield f"not known: {row['note']}"
        else:
            yield (
                f"Spearman correlation {row['correlation']:.2f} over the pairs of {row['classes']} classes, "
                f"p = {row['p']:.3g} (permutations of the classes)"
            )


def _means(rows: Iterable[Mapping[str, Any]], measure: str) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if row["measure"] == measure and not row["category"])


def _numbered(rows: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Rows with a `name`: a model's has its number, a twin's stands further in."""
    number = 0
    for row in rows:
        number += not row["of"]
        yield {**row, "name": f"    {row['model']}" if row["of"] else f"{number} {row['model']}"}


def _band(row: Mapping[str, Any], form: str) -> str:
    low, high = (figure(row[end], form) for end in ("low", "high"))
    return "-" if low == "-" else f"{low} to {high}"


def selector_lines(document: Mapping[str, Any]) -> Lines:
    """Selectors side by side."""
    rows = document["selectors"]
    yield (
        f"{document['label']}: selectors that take {document['share']:.2%} of the neurons each, on "
        f"{count(document['repeats'], 'split')} into halves"
    )
    table = table_of("", "neurons", "coverage", "stability", "chance", "AUROC")
    for row in rows:
        figures = (row[key] for key in ("coverage", "stability", "stability_chance", "held_out"))
        forms = ("{:.2f}", "{:.3f}", "{:.3f}", "{:.3f}")
        cells = map(figure, figures, forms)
        table.add_row(str(row["selector"]), f"{row['neurons']:,}", *cells)
    yield table
    yield (
        "coverage: share of the classes with a neuron; stability: Jaccard index of what one half of the "
        "groups and the other select, beside that of random sets; AUROC: of the neurons that one half "
        "selects, for their classes, on the other."
    )
    if 1 < len(rows) <= _MOST_SELECTORS:
        yield ""
        yield "neurons in common (Jaccard index x 100)"
        names = [str(row["selector"]) for row in rows]
        shared = table_of("", *(str(number + 1) for number in range(len(names))))
        for number, name in enumerate(names):
            agreed = (document["agreement"][name][other] for other in names)
            hundredths = (None if each is None else 100 * each for each in agreed)
            shared.add_row(f"{number + 1} {name}", *(figure(each, "{:.0f}") for each in hundredths))
        yield shared
    yield from _ablated(document["ablated"])
    yield from document["notes"]


def _ablated(rows: Sequence[Mapping[str, Any]]) -> Lines:
    """Each ablated set beside its effect, and how much of it each selector chooses."""
    for target, own in groupby(rows, key=lambda row: (row["ablation"], row["target"])):
        table = list(own)
        effect, controls = (figure(table[0][key], "{:+.2f}") for key in ("change", "controls_change"))
        shares = ", ".join(f"{row['selector']} {row['share']:.0%}" for row in table)
        yield point(
            f"{target[1]} ({target[0]}): {count(table[0]['neurons'], 'neuron')} off moves the margin of its "
            f"classes by {effect} logits, control sets by {controls}; chosen of them: {shares}"
        )
