"""Verbs that put things together: the report, the miniature study, training."""

import os
from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json


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
def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    full: Annotated[
        bool, typer.Option(help="Ablate every labeling on every model, class by class (hours).")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Try it on this many clips of each task.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes (default: one a core, at most 4).")
    ] = None,
    json: Json = False,
) -> None:
    """Run the whole study on the embedded miniature.

    \b
    Example:
      otoscope demo --out demo
    """
    from otoscope import console, study

    crew = workers or min(os.cpu_count() or 1, 4)
    plan = study.FULL if full else study.DEMO
    result = study.run(plan, out, limit=limit, workers=crew, say=console.say, progress=True)
    console.show(result.document(), json, console.study_lines(result))


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
