"""What is printed of models, tasks, stores and clips."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from otoscope.console.printing import (
    MANY,
    Lines,
    count,
    duration,
    entry,
    facts_table,
    figure,
    point,
    table_of,
    tally,
)
from otoscope.errors import OtoscopeError

if TYPE_CHECKING:
    from pandas import DataFrame

    from otoscope.activations import Store
    from otoscope.tasks import Reader

_PARTS = 10  # parts of a split that fit beside each other


def model_lines(rows: Sequence[Mapping[str, Any]]) -> Lines:
    """The models that exist: how to name each, what it needs, its neurons, how tested it is."""
    for row in rows:
        facts = {"needs": row["needs"], "neurons": row["layers"], "tested": row["tested"]}
        yield from entry(row["name"], row["about"], facts)


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
        yield from entry(row["name"], row["about"], facts)


def survey_lines(document: Mapping[str, Any]) -> Lines:
    """What was found of a task, for people; what is wrong comes last."""
    looked = "every sample" if document["deep"] else "headers"
    yield Text(f"{document['task']}: {count(document['clips'], 'clip')}", style="bold")
    facts = {"read": f"{looked} of {count(document['files'], 'file')}"}
    if document["usable"]:
        seconds = document["seconds"]
        facts |= {
            "formats": tally(document["formats"]),
            "Hz": tally(document["sample_rates"]),
            "channels": tally(document["channels"]),
            "length": (
                f"{seconds['shortest']:.2f} to {seconds['longest']:.2f} s, median {seconds['median']:.2f} s, "
                f"in all {duration(seconds['total'])}"
            ),
        }
    yield facts_table(facts)
    for name, labeling in document["labelings"].items():
        yield ""
        yield from _label_table(name, labeling)
    for title, sentences in (("worth knowing", document["notes"]), ("wrong", document["problems"])):
        if sentences:
            yield ""
            yield Text(title, style="bold")
            yield from map(point, sentences)
    yield ""
    yield f"{document['usable']:,} of {count(document['clips'], 'clip')} can be used"
    if document["manifest"]:
        yield f"wrote {document['manifest']}; to record from it:"
        yield f"  --task {shlex.quote(document['manifest_task'])}"
    elif not document["usable"]:
        yield "no manifest is written"


def _label_table(name: str, labeling: Mapping[str, Any]) -> Lines:
    """How many clips bear each class, or of many classes how many the smallest and the largest have."""
    classes = labeling["classes"]
    grouped = f", {count(labeling['groups'], 'group')} by {labeling['group']}" if labeling["group"] else ""
    yield f"{name}: {count(len(classes), 'class', 'classes')}, {count(labeling['clips'], 'clip')}{grouped}"
    if not classes:
        return
    parts = list(next(iter(classes.values())))
    parts = parts if len(parts) <= _PARTS else parts[:1]
    shown = classes
    if len(classes) > MANY:
        values = {part: sorted(counts[part] for counts in classes.values()) for part in parts}
        places = {"fewest": 0, "median": len(classes) // 2, "most": -1}
        shown = {title: {part: values[part][at] for part in parts} for title, at in places.items()}
    table = table_of("clips of a class" if shown is not classes else "clips", *parts)
    for title, counts in shown.items():
        table.add_row(title, *(f"{counts[part]:,}" for part in parts))
    yield table


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
            name: {
                "classes": list(labeling.classes),
                "group": labeling.group,
                "design": _design(store, name),
            }
            for name, labeling in store.labelings.items()
        },
        "twins": [
            {"name": twin.name, "store": str(twin.path), "problem": twin.problem} for twin in store.twins
        ],
        "twins_missing": store.twins_missing,
        "rows": store.rows.to_dict("records"),
        "results": sorted(path.name for path in store.results.glob("*")),
    }


def _design(store: "Store", label: str) -> str | None:
    """Which of a labeling's labels may change places; None where it does not show."""
    from otoscope.neurons.designs import design_of
    from otoscope.neurons.probability import labelled_clips

    try:
        clips = labelled_clips(store, label)
        return design_of(clips.membership, clips.groups, label=label).name
    except OtoscopeError:
        return None


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
        design = f", {labeling['design']} design" if labeling["design"] else ""
        yield f"  {name}: {len(labeling['classes'])} classes{grouped}{design}"
    for grid in sorted({row["grid"] for row in document["rows"]}):
        rows = [row for row in document["rows"] if row["grid"] == grid]
        low, high = rows[0]["low_hz"], rows[-1]["high_hz"]
        heard = f", {low:.0f} to {high:.0f} Hz" if high > low else ""  # NaN where the model does not know
        yield f"  firing by frequency row of its tokens: {count(len(rows), 'row')}{heard}"
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
    table = table_of("descriptor", "clips", "25 %", "median", "75 %")
    for name, facts in document["descriptors"].items():
        if not name.startswith(("mel_", "mfcc_")):
            values = (figure(facts[key], "{:.4g}") for key in ("low", "median", "high"))
            table.add_row(name, f"{facts['clips']:,}", *values)
    yield f"{document['store']}: {count(document['clips'], 'clip')} described"
    yield table
    bands = sum(name.startswith(("mel_", "mfcc_")) for name in document["descriptors"])
    yield f"with {bands} of mel bands and MFCC in descriptors.parquet"
    for bad in document["problems"]:
        yield f"  no descriptors of {bad['clip']}: {bad['problem']}"
