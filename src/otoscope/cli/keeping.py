"""Verbs that look after stores: whether one is still what was written, and in what two differ."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json, StorePath


@app.command()
def verify(
    store: StorePath,
    repair: Annotated[
        bool, typer.Option("--repair", help="Record anew what is damaged, and only that.")
    ] = False,
    json: Json = False,
) -> None:
    """Read every file of a store, and find those that are not as they were written.

    Ends with status 1 where something is damaged. A repair needs the model and the clips where they were.

    \b
    Examples:
      otoscope verify esc50.zarr
      otoscope verify esc50.zarr --repair
    """
    from otoscope import activations, console
    from otoscope.activations.progress import counting

    with counting("verifying", None, shown=True, things="files") as advance:
        found = activations.verify(store, repair=repair, tick=advance)
    console.show(found.document(), json, console.verified_lines(found))
    if not found.whole:
        raise typer.Exit(1)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="STORE", help="A store that `otoscope record` made.")],
    b: Annotated[str, typer.Argument(metavar="STORE", help="Another.")],
    json: Json = False,
) -> None:
    """Say what differs between two stores: model, task, settings, versions, machine, numbers and results.

    Ends with status 1 where the recorded numbers are not the same to the bit.

    \b
    Example:
      otoscope diff laptop/esc50.zarr cluster/esc50.zarr
    """
    from otoscope import activations, console

    found = activations.diff(a, b)
    console.show(found.document(), json, console.difference_lines(found))
    if not found.same_data:
        raise typer.Exit(1)
