"""What the verbs print: tables of at most 80 columns on stdout, what is being done on stderr."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from otoscope.files import to_json

if TYPE_CHECKING:
    from pandas import DataFrame

    from otoscope.activations import Store
    from otoscope.interventions import Ablation, ProbeScore
    from otoscope.neurons import Selection, Sharing
    from otoscope.neurons.evidence.power import Power
    from otoscope.pretraining import PretrainResult
    from otoscope.study import StudyResult
    from otoscope.tasks import Reader

Lines = Iterable[RenderableType]

_CLASSES = 12  # of more classes only the extremes are shown
_POWER_ROWS = 50  # classes told of one by one
_PARTS = 10  # parts of a split that fit beside each other


def show(document: Mapping[str, Any], json: bool, lines: Lines) -> None:
    """Print the document as JSON, or the lines made for people."""
    if json:
        sys.stdout.write(to_json(document) + "\n")
        return
    console = Console(highlight=False, markup=False)  # labels and file names may hold square brackets
    for line in lines:
        console.print(line)


def say(line: str) -> None:
    """Say on stderr what is being done."""
    Console(stderr=True, highlight=False).print(line, style="dim", markup=False)


def model_lines(rows: Sequence[Mapping[str, Any]]) -> Lines:
    """The models that exist: how to name each, what it needs, its neurons, how tested it is."""
    for row in rows:
        facts = {"needs": row["needs"], "neurons": row["layers"], "tested": row["tested"]}
        yield from _entry(row["name"], row["about"], facts)


def task_document(reader: "Reader") -> dict[str, Any]:
    """What a reader of tasks states of itself, as a document."""
    return {
        "name": reader.name,
        "also": list(reader.also),
        "about": reader.about,
        "needs": reader.needs,
        "layout": reader.layout,
        "labelings": dict(reader.labelings),
        "splits": reader.splits,
        "clips": reader.clips,
        "evar_seconds": reader.evar_seconds,
        "obtain": reader.obtain,
        "citation": reader.citation,
        "licence": reader.licence,
    }


def task_lines(rows: Sequence[Mapping[str, Any]]) -> Lines:
    """The tasks that exist: how to name each, its clips, classes, labelings and splits, and on what terms."""
    for row in rows:
        labelings = (
            f"{name} ({classes:,})" if classes else name for name, classes in row["labelings"].items()
        )
        facts = {
            "also": ", ".join(row["also"]),
            "needs": row["needs"],
            "clips": f"{row['clips']:,}" if row["clips"] else "",
            "labels": ", ".join(labelings),
            "split": row["splits"],
            "licence": row["licence"],
            "cite": row["citation"],
        }
        yield from _entry(row["name"], row["about"], facts)


def survey_lines(document: Mapping[str, Any]) -> Lines:
    """What was found of a task, for people; what is wrong comes last."""
    looked = "every sample" if document["deep"] else "headers"
    yield Text(f"{document['task']}: {_count(document['clips'], 'clip')}", style="bold")
    facts = {"read": f"{looked} of {_count(document['files'], 'file')}"}
    if document["usable"]:
        seconds = document["seconds"]
        facts |= {
            "formats": _tally(document["formats"]),
            "Hz": _tally(document["sample_rates"]),
            "channels": _tally(document["channels"]),
            "length": (
                f"{seconds['shortest']:.2f} to {seconds['longest']:.2f} s, median {seconds['median']:.2f} s, "
                f"in all {_duration(seconds['total'])}"
            ),
        }
    yield _facts(facts)
    for name, labeling in document["labelings"].items():
        yield ""
        yield from _label_table(name, labeling)
    for title, sentences in (("worth knowing", document["notes"]), ("wrong", document["problems"])):
        if sentences:
            yield ""
            yield Text(title, style="bold")
            yield from map(_point, sentences)
    yield ""
    yield f"{document['usable']:,} of {_count(document['clips'], 'clip')} can be used"
    if document["manifest"]:
        yield f"wrote {document['manifest']}; to record from it:"
        yield f"  --task {shlex.quote(document['manifest_task'])}"
    elif not document["usable"]:
        yield "no manifest is written"


def store_document(store: "Store") -> dict[str, Any]:
    """What is in a store, as a document."""
    skipped = store.clips[store.clips["problem"] != ""]
    return {
        "store": str(store.path),
        **store.info,
        "clips": len(store.clips),
        "skipped": [{"clip": row.clip, "problem": row.problem} for row in skipped.itertuples()],
        "layers": len(store.layers),
        "neurons": len(store.neurons),
        "labelings": {
            name: {"classes": list(labeling.classes), "group": labeling.group}
            for name, labeling in store.labelings.items()
        },
        "twins": [
            {"name": twin.name, "store": str(twin.path), "problem": twin.problem} for twin in store.twins
        ],
        "twins_missing": store.twins_missing,
        "results": sorted(path.name for path in store.results.glob("*")),
    }


def store_lines(document: Mapping[str, Any]) -> Lines:
    """What is in a store, for people."""
    from otoscope.neurons.addresses import modules, sizes

    yield (
        f"{document['store']}: {document['clips']} clips of {document['task']['name']} x "
        f"{document['neurons']} neurons of {document['model']['name']} ({document['layers']} layers)"
    )
    names, units = zip(*document["model"]["layers"], strict=True)
    yield f"  neurons: {sizes(units)}, at {modules(names)}"
    for name, labeling in document["labelings"].items():
        grouped = f", grouped by {labeling['group']}" if labeling["group"] else ""
        yield f"  {name}: {len(labeling['classes'])} classes{grouped}"
    if usable := [twin["name"] for twin in document["twins"] if not twin["problem"]]:
        yield f"  twins: {', '.join(usable)}"
    if document["twins_missing"]:
        yield f"  {document['twins_missing']}"
    for twin in document["twins"]:
        if twin["problem"]:
            yield f"  twin {twin['name']} cannot be used: {twin['problem']}"
    if document["results"]:
        yield f"  found so far: {', '.join(document['results'])}"
    for bad in document["skipped"]:
        yield f"  skipped {bad['clip']}: {bad['problem']}"


def selection_lines(selection: "Selection") -> Lines:
    """A selection beside its chance level."""
    document = selection.document()
    yield f"{document['label']}: class-specific neurons by the preset {document['preset']}"
    table = _table("", "found", "chance", "95 % of permutations", "p")
    for words, key, form in (
        ("class-specific neurons", "neurons", "{:.0f}"),
        ("coverage of the classes", "coverage", "{:.2f}"),
        ("depth of selectivity (nats)", "depth", "{:.4f}"),
    ):
        chance = (document["chance"] or {}).get(key)
        table.add_row(words, _figure(document[key], form), *_chance_cells(chance, form))
    if (document["chance"] or {}).get("found_excess") is not None:
        found, chance = (document["chance"][key] for key in ("found_excess", "excess"))
        table.add_row("excess, all neurons (sd)", _figure(found, "{:.1f}"), *_chance_cells(chance, "{:.1f}"))
    yield table
    if chance := document["chance"]:
        yield (
            f"chance: {chance['permutations']} permutations of {chance['distinct']} distinct ones, "
            f"{chance['design']} design"
        )
        yield chance["note"]
    if twins := document["twins"]:
        yield from _twin_lines(twins)
    yield from _counts("neurons by class", document["by_category"])
    yield from _counts("neurons by layer", document["by_layer"])


def sharing_lines(sharing: "Sharing") -> Lines:
    """Shared neurons, class by class."""
    shared = sharing.shared
    yield "neurons shared (diagonal: neurons of the class)"
    table = _table("", *(str(column) for column in shared.columns))
    for name, row in shared.iterrows():
        table.add_row(str(name), *(str(int(value)) for value in row))
    yield table
    if sharing.tests is None:
        yield "not tested: no permutations were asked for"
        return
    yield sharing.tests.note


def probe_lines(score: "ProbeScore") -> Lines:
    """A probe's accuracy, with its interval."""
    document = score.document()
    low, high = document["interval"]
    yield f"accuracy {document['accuracy']:.3f} (95 %: {low:.3f} to {high:.3f}) on {document['n']} clips"


def ablation_lines(ablation: "Ablation") -> Lines:
    """What switching neurons off did to their own classes, beside the control sets."""
    table = _table("off", "class", "neurons", "clips", "accuracy", "p", "margin", "p")
    for target in ablation.targets:
        rows = ablation.summary[ablation.summary["target"] == target.name]
        own = rows[rows["category"].isin(target.categories)] if target.categories else rows
        for position, row in enumerate(own.to_dict("records")):
            many = len(target.categories) > 2
            name = f"{len(target.categories)} classes" if many else target.name
            name, count = (name, str(len(target.neurons))) if position == 0 else ("", "")
            table.add_row(name, str(row["category"]), count, str(row["clips"]), *_change_cells(row))
    yield f"{ablation.label}: what switching neurons off changes"
    yield table
    yield (
        "Accuracy in percentage points, margin in logits; in brackets, the mean change under random sets of "
        "as many neurons in the same layers. p: share of these sets that change at least as much, the target "
        "counted."
    )


def selector_lines(document: Mapping[str, Any]) -> Lines:
    """Selectors side by side."""
    rows = document["selectors"]
    yield (
        f"{document['label']}: selectors that take {document['share']:.2%} of the neurons each, on "
        f"{_count(document['repeats'], 'split')} into halves"
    )
    table = _table("", "neurons", "coverage", "stability", "chance", "AUROC")
    for row in rows:
        figures = (row[key] for key in ("coverage", "stability", "stability_chance", "held_out"))
        forms = ("{:.2f}", "{:.3f}", "{:.3f}", "{:.3f}")
        cells = map(_figure, figures, forms)
        table.add_row(str(row["selector"]), f"{row['neurons']:,}", *cells)
    yield table
    yield (
        "coverage: share of the classes with a neuron; stability: Jaccard index of what one half of the "
        "groups and the other select, beside that of random sets; AUROC: of the neurons that one half "
        "selects, for their classes, on the other."
    )
    if 1 < len(rows) <= _CLASSES:
        yield ""
        yield "neurons in common (Jaccard index x 100)"
        names = [str(row["selector"]) for row in rows]
        shared = _table("", *(str(number + 1) for number in range(len(names))))
        for number, name in enumerate(names):
            agreed = (document["agreement"][name][other] for other in names)
            hundredths = (None if each is None else 100 * each for each in agreed)
            shared.add_row(f"{number + 1} {name}", *(_figure(each, "{:.0f}") for each in hundredths))
        yield shared
    yield from document["notes"]


def pretraining_lines(result: "PretrainResult") -> Lines:
    """Where a trained model lies and where its loss ended."""
    for key, value in result.document().items():
        yield f"{key}: {value}"


def power_lines(power: "Power") -> Lines:
    """What can be found with these clips: in sentences, and class by class."""
    document = power.document()
    unit = "clips" if document["design"] == "ungrouped" else "groups"
    yield f"{document['label']}: what can be found"
    for sentence in document["sentences"]:
        yield _point(sentence)
    rows = document["classes"]
    columns = ("class", "clips", unit, "to test on", "smallest shift", "if many")
    table = _table(*columns) if unit == "groups" else _table(*columns[:2], *columns[3:])
    for row in rows[:_POWER_ROWS]:
        counts = [row["clips"], row["groups"]] if unit == "groups" else [row["clips"]]
        shifts = (_figure(row[key], "{:.2f}") for key in ("shift", "shift_of_many"))
        table.add_row(row["category"], *(str(count) for count in [*counts, row["groups_b"]]), *shifts)
    yield table
    if len(rows) > _POWER_ROWS:
        yield f"... and {len(rows) - _POWER_ROWS} more classes; --json has them all"
    refused = [row for row in rows if row["reason"]]
    for row in refused[:_CLASSES] if len(refused) < len(rows) else ():
        yield _point(f"{row['category']} cannot be tested: {row['reason']}")


def study_lines(result: "StudyResult") -> Lines:
    """A study's summary: per task, labeling and model, what was found beside chance."""
    table = _table("", "model", "neurons", "coverage", "depth", "p", "probe")
    for task, found in result.table.groupby("task", sort=False):
        table.add_row(str(task), style="bold")
        for label, rows in found.groupby("label", sort=False):
            for position, row in enumerate(rows.to_dict("records")):
                table.add_row(
                    f"  {label}" if position == 0 else "",
                    str(row["model"]),
                    *(
                        f"{_figure(row[key], form)} ({_figure(row[f'{key}_chance'], form)})"
                        for key, form in (("neurons", "{:.0f}"), ("coverage", "{:.2f}"), ("depth", "{:.4f}"))
                    ),
                    _figure(row["depth_p"], "{:.2f}"),
                    _figure(row["probe_accuracy"], "{:.2f}"),
                )
        table.add_section()
    yield table
    yield (
        "neurons: class-specific ones; coverage: share of classes that have one; depth: how far their "
        "entropy lies below log K, in nats; in brackets, the mean under permuted labels. p: of the depth; "
        "the rest is described, not tested. probe: accuracy, tested on groups that it did not learn from."
    )
    yield f"open {result.report}"


def descriptors_document(store: "Store", table: "DataFrame") -> dict[str, Any]:
    """What the clips of a store sound like, as a document: quartiles over clips."""
    from otoscope.descriptors import descriptor_columns

    bad = table[table["problem"] != ""]
    return {
        "store": str(store.path),
        "clips": len(table),
        "problems": [{"clip": row.clip, "problem": row.problem} for row in bad.itertuples()],
        "descriptors": {
            name: {
                "clips": int(table[name].notna().sum()),
                **dict(zip(("low", "median", "high"), table[name].quantile([0.25, 0.5, 0.75]), strict=True)),
            }
            for name in descriptor_columns(table)
        },
    }


def descriptor_lines(document: Mapping[str, Any]) -> Lines:
    """What the clips sound like, for people: the spectrum's bands are left to the file."""
    table = _table("descriptor", "clips", "25 %", "median", "75 %")
    for name, facts in document["descriptors"].items():
        if not name.startswith(("mel_", "mfcc_")):
            values = (_figure(facts[key], "{:.4g}") for key in ("low", "median", "high"))
            table.add_row(name, f"{facts['clips']:,}", *values)
    yield f"{document['store']}: {_count(document['clips'], 'clip')} described"
    yield table
    bands = sum(name.startswith(("mel_", "mfcc_")) for name in document["descriptors"])
    yield f"with {bands} of mel bands and MFCC in descriptors.parquet"
    for bad in document["problems"]:
        yield f"  no descriptors of {bad['clip']}: {bad['problem']}"


def _entry(name: str, about: str, facts: Mapping[str, str]) -> Lines:
    """One of the things that exist, in a list of them."""
    yield Text(name, style="bold")
    yield _facts({"": about, **facts})
    yield ""


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(width=9, justify="right", style="dim")
    table.add_column(overflow="fold")
    for title, fact in facts.items():
        if fact:
            table.add_row(title, fact)
    return table


def _label_table(name: str, labeling: Mapping[str, Any]) -> Lines:
    """How many clips bear each class, or of many classes how many the smallest and the largest have."""
    classes = labeling["classes"]
    grouped = f", {_count(labeling['groups'], 'group')} by {labeling['group']}" if labeling["group"] else ""
    yield f"{name}: {_count(len(classes), 'class', 'classes')}, {_count(labeling['clips'], 'clip')}{grouped}"
    if not classes:
        return
    parts = list(next(iter(classes.values())))
    parts = parts if len(parts) <= _PARTS else parts[:1]
    shown = classes
    if len(classes) > _CLASSES:
        values = {part: sorted(counts[part] for counts in classes.values()) for part in parts}
        places = {"fewest": 0, "median": len(classes) // 2, "most": -1}
        shown = {title: {part: values[part][at] for part in parts} for title, at in places.items()}
    table = _table("clips of a class" if shown is not classes else "clips", *parts)
    for title, counts in shown.items():
        table.add_row(title, *(f"{counts[part]:,}" for part in parts))
    yield table


def _point(sentence: str) -> Table:
    """A sentence with a dash before it, its further lines below its first."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("-", sentence)
    return table


def _tally(counts: Mapping[Any, int]) -> str:
    written = ((f"{name:,}" if isinstance(name, int) else name, count) for name, count in counts.items())
    return ", ".join(f"{name} ({count:,})" for name, count in written)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _duration(seconds: float) -> str:
    """Seconds in words: "2 h 13 min", "4 min 10 s", "12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for position, column in enumerate(columns):
        words = position == 0 or column in ("model", "what it is", "what it needs", "class")
        table.add_column(column, justify="left" if words else "right", overflow="fold")
    return table


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None or value != value else form.format(value)


def _chance_cells(chance: Mapping[str, float | None] | None, form: str) -> tuple[str, str, str]:
    if chance is None:
        return "-", "-", "-"
    band = f"{_figure(chance['low'], form)} to {_figure(chance['high'], form)}"
    return _figure(chance["mean"], form), band, _figure(chance["p"], "{:.3f}")


def _change_cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    cells: list[str] = []
    for measure, scale, form in (("accuracy", 100, "{:+.1f}"), ("margin", 1, "{:+.2f}")):
        target = scale * row[f"{measure}_change"]
        controls = scale * (row[f"{measure}_controls_mean"] - row[f"{measure}_baseline"])
        cells += [
            f"{form.format(target)} ({form.format(controls)})",
            _figure(row[f"{measure}_p"], "{:.2f}"),
        ]
    return tuple(cells)


def _twin_lines(twins: Mapping[str, Any]) -> Lines:
    """What the same selection finds in twins that have learned nothing, or how to record some."""
    if twins["counts"]:
        table = _table("the same selection in twins", "neurons", "coverage")
        for twin in twins["counts"]:
            table.add_row(twin["twin"], f"{twin['neurons']}", f"{twin['coverage']:.2f}")
        yield table
    if twins["note"]:
        yield twins["note"]


def _counts(title: str, counts: Mapping[str, int]) -> Lines:
    yield f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
