"""The verb that tries every choice that the paper leaves open."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Design, Json, Label, Out, Seed, StorePath


@app.command()
def multiverse(
    store: StorePath,
    label: Label,
    response: Annotated[
        list[float] | None, typer.Option(help="Quantile of the response filter; can be given again.")
    ] = None,
    share: Annotated[
        list[float] | None, typer.Option(help="Share of the neurons kept; can be given again.")
    ] = None,
    assignment: Annotated[
        list[float] | None, typer.Option(help="Quantile of the assignment filter; can be given again.")
    ] = None,
    design: Annotated[
        Design | None, typer.Option(help="Which labels may change places (default: found by itself).")
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=0, help="Label permutations of every combination; 0 for none.")
    ] = 20,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Select with every combination of the choices that the paper leaves open.

    Choices are the clips, how they are pooled, quantiles over all neurons or within layers, the three
    thresholds, and whether CLS and padding count, where they were recorded apart.

    \b
    Examples:
      otoscope multiverse esc50.zarr --label category
      otoscope multiverse esc50.zarr --label category --share 0.01 --share 0.02
    """
    from otoscope import console, open_store
    from otoscope.files import slug
    from otoscope.neurons import multiverse as every_choice

    opened = open_store(store)
    thresholds = {"response": response, "share": share, "assignment": assignment}
    found = every_choice(
        opened,
        label,
        **{name: values for name, values in thresholds.items() if values},  # type: ignore[arg-type]
        permutations=permutations,
        design=None if design is None else design.value,
        seed=seed,
        progress=console.say,
    )
    found.save(out or opened.results / f"multiverse-{slug(label)}")
    console.show(found.document(), json, console.multiverse_lines(found.document()))
