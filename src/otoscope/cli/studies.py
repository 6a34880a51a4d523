"""Verbs that put things together: the report, a whole study, the miniature's, training."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Device, Json
from otoscope.errors import UsageError

if TYPE_CHECKING:
    from otoscope.study import Study

Limit = Annotated[int | None, typer.Option(min=1, help="Try it on this many clips of each task.")]

Workers = Annotated[int | None, typer.Option(min=1, help="Processes (default: one a core, at most 4).")]


@app.command()
def report(
    stores: Annotated[
        list[str], typer.Argument(metavar="STORE...", help="Stores, with what the other verbs found.")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("report"),
    neurons: Annotated[
        int, typer.Option(min=0, help="Neurons with a page of their own, every class's best first.")
    ] = 300,
    sound: Annotated[
        bool, typer.Option(help="Hear examples of these neurons again, to be played and looked at.")
    ] = True,
    json: Json = False,
) -> None:
    """Write a site of all that was found, and of neurons to listen to; it opens without a network.

    \b
    Examples:
      otoscope report esc50.zarr gtzan.zarr --out report
      otoscope report esc50.zarr --neurons 50 --no-sound
    """
    from otoscope import console, reporting

    page = reporting.report(stores, out, neurons=neurons, sound=sound, progress=True)
    console.show({"report": str(page)}, json, [f"open {page}"])


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="What to run, see the documentation.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("study"),
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what is missing, and estimate time, disk and memory."),
    ] = False,
    limit: Limit = None,
    workers: Workers = None,
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.cpu,
    json: Json = False,
) -> None:
    """Run a whole study from one file: record, dissect, ablate, compare, report.

    The same command goes on where a stopped run was. A dry run ends with status 1 where something is missing.

    \b
    Examples:
      otoscope run studies/kawamura2026.yaml --dry-run
      otoscope run studies/kawamura2026.yaml --out kawamura2026 --device cuda
      otoscope run my-study.yaml --out trial --limit 50
    """
    from otoscope import console, study

    plan = study.read_study(file)
    if dry_run:
        found = study.dry_run(plan, limit=limit, device=device.value, say=console.say)
        console.show(found.document(), json, console.dry_run_lines(found))
        raise typer.Exit(1 if found.missing else 0)
    _run(plan, out, limit, workers, device.value, json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Three of the seven tasks only, one ablated.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Every labeling switched off on every model.")] = False,
    limit: Limit = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Run the paper in small on the embedded miniature, which needs no data, no weights and no GPU.

    It ends with the paper's findings beside the miniature's numbers, and a report to open. On two cores it
    takes about five minutes, --quick a minute and a half, --full an hour or two.

    \b
    Examples:
      otoscope demo
      otoscope demo --quick --out quick
    """
    from otoscope import study

    if quick and full:
        raise UsageError("both --quick and --full are given; expected one of them")
    plan = study.built_in("quick" if quick else "full" if full else "demo")
    _run(plan, out, limit, workers, "cpu", json)


@app.command()
def pretrain(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG.yaml", help="What to train, on what, and where to.")
    ],
    json: Json = False,
) -> None:
    """Train a small model, self-supervised or supervised.

    Objectives: M2D, masked reconstruction, and the supervised twin.

    The same command goes on where a stopped run was.

    \b
    Example:
      otoscope pretrain tools/mini/ssl.yaml
    """
    from otoscope import console, pretraining

    result = pretraining.pretrain(config, progress=True)
    console.show(result.document(), json, console.pretraining_lines(result))


def _run(plan: "Study", out: Path, limit: int | None, workers: int | None, device: str, json: bool) -> None:
    """Run a study, telling of each step, and show what it found."""
    from otoscope import console, study

    # One process where an accelerator does the work: several would share it.
    most = workers or (min(os.cpu_count() or 1, 4) if device == "cpu" else 1)
    result = study.run(plan, out, limit=limit, workers=most, device=device, say=console.say, progress=True)
    console.show(result.document(), json, console.study_lines(result))
