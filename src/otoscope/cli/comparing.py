"""The verb that compares models."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json, Label, Out, Seed


@app.command()
def compare(
    stores: Annotated[
        list[str],
        typer.Argument(metavar="STORE", help="Recordings of the same clips by different models."),
    ],
    label: Label,
    preset: Annotated[
        str | None, typer.Option(help="What selects neurons: specific, aape, ... (default: specific).")
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=0, help="Label permutations behind the counts; 0 for none.")
    ] = 100,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Draws of whole groups behind the intervals; 0 for none.")
    ] = 1000,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Compare models on the same clips and labels, each beside its twins.

    All are measured on the same halves of the groups: neurons are chosen on one and measured on the other.

    \b
    Examples:
      otoscope compare ssl.zarr supervised.zarr --label category
      otoscope compare a.zarr b.zarr c.zarr --label genre --preset aape --json
    """
    from otoscope import console, open_store
    from otoscope.files import slug
    from otoscope.neurons.evidence.models import compare as comparing

    opened = [open_store(each) for each in stores]
    found = comparing(
        opened,
        label,
        preset=preset,
        permutations=permutations,
        bootstrap=bootstrap,
        seed=seed,
        progress=console.say,
    )
    found.save(out or opened[0].results / f"compare-{slug(label)}")
    console.show(found.document(), json, console.comparison_lines(found.document()))
