"""Verbs about tasks, and new labels for a store."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import EvarLengths, Json, Seconds, Separator, StorePath, TaskLabels

tasks_app = typer.Typer(rich_markup_mode=None)
app.add_typer(tasks_app, name="tasks")


@tasks_app.callback(invoke_without_command=True)
def tasks(context: typer.Context, json: Json = False) -> None:
    """List the tasks that exist; check one; relabel a store.

    \b
    Examples:
      otoscope tasks
      otoscope tasks check folder:my-sounds
    """
    if context.invoked_subcommand is not None:
        return
    from otoscope import console
    from otoscope.tasks import available

    rows = [console.task_document(reader) for reader in available()]
    console.show({"tasks": rows}, json, console.task_lines(rows))


@tasks_app.command("check")
def check_task(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A task, as `otoscope tasks` names them.")],
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode every sample, and look for clipping and silence.")
    ] = False,
    seconds: Seconds = None,
    evar_lengths: EvarLengths = False,
    label: TaskLabels = None,
    separator: Separator = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at this many clips only; write no manifest unless --out.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The manifest (default: TASK.manifest.parquet); a .csv does not keep the labelings."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Look at every file of a task, and write a manifest with hashes.

    Told are sample rates, lengths, label counts, what cannot be used, clips with the same content, and groups
    that lie in several parts of the split. The manifest names the clips without problems: record from it
    (manifest:FILE), and a file that has changed meanwhile is refused. Exit status 1 if anything is wrong.

    \b
    Examples:
      otoscope tasks check folder:my-sounds
      otoscope tasks check esc50:ESC-50-master --deep --out esc50.parquet
    """
    from otoscope import console
    from otoscope.activations.progress import counting
    from otoscope.files import slug
    from otoscope.tasks import load_task, survey
    from otoscope.tasks.pinning import need_suffix

    if out is not None:
        need_suffix(out)  # before hours of reading
    task = load_task(
        spec, seconds=seconds, labels=label or (), separator=separator, evar_lengths=evar_lengths
    )
    with counting("reading", min(limit or len(task), len(task)), shown=True) as advance:
        found = survey(task, deep=deep, limit=limit, tick=advance)
    if out is None and limit is None:
        out = Path(f"{slug(task.name)}.manifest.parquet")
    document = {**found.document(), "manifest": None, "manifest_task": None}
    if found.usable and out is not None:
        document |= {"manifest_task": found.write_manifest(out), "manifest": str(out)}
    console.show(document, json, console.survey_lines(document))
    if found.problems:
        raise typer.Exit(1)


@tasks_app.command()
def relabel(
    store: StorePath,
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet or JSON lines with a row a key.")
    ],
    on: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The keys, in table and store (default: the table's first)."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column of new labels (default: all but the keys)."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What labels should not be confused with.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The store's column of train, valid and test.")
    ] = None,
    separator: Separator = None,
    json: Json = False,
) -> None:
    """Give a store new labels from a table; no audio is needed.

    The labels are kept in the store's folder labels/, and every verb takes them as it takes the task's.

    \b
    Examples:
      otoscope tasks relabel voxceleb1.zarr countries.csv --on speaker
      otoscope tasks relabel nsynth.zarr octaves.csv --on pitch --label octave
    """
    from otoscope import console
    from otoscope import relabel as give

    opened = give(store, table, on, labels=label or (), group=group, split=split, separator=separator)
    document = console.store_document(opened)
    console.show(document, json, console.store_lines(document))
