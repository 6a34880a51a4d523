"""The verb that asks whether neurons know the class or how it sounds."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Design, Json, Label, Out, Seed, StorePath


@app.command()
def acoustics(
    store: StorePath,
    label: Label,
    preset: Annotated[
        str | None,
        typer.Option(help="What selects the neurons (default: specific; aape where it finds none)."),
    ] = None,
    neuron: Annotated[
        list[str] | None, typer.Option(help="A neuron, LAYER.UNIT, instead; can be given again.")
    ] = None,
    distance: Annotated[
        list[Path] | None,
        typer.Option(help="CSV of distances between classes, a square; can be given again."),
    ] = None,
    design: Annotated[
        Design | None, typer.Option(help="Which labels may change places (default: found by itself).")
    ] = None,
    permutations: Annotated[int, typer.Option(min=1, help="Permutations behind each test.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Processes that describe clips.")] = 1,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Ask what neurons follow in the sound: the class, or what it sounds like.

    Told are the descriptors that neurons follow within classes, the selectivity of the chosen ones before and
    after the descriptors are regressed out, and, with 6 classes or more, whether classes share neurons
    because they sound alike. Clips that are not described yet are described first.

    \b
    Examples:
      otoscope acoustics esc50.zarr --label category
      otoscope acoustics nsynth.zarr --label family --preset aape \\
        --distance words.csv
      otoscope acoustics cremad.zarr --label emotion --neuron 7.1157 --neuron 9.12
    """
    from otoscope import console, open_store
    from otoscope.activations.progress import counting
    from otoscope.descriptors import describe
    from otoscope.files import slug
    from otoscope.neurons.addresses import parse_address
    from otoscope.neurons.meaning.acoustics import acoustics as account_of
    from otoscope.neurons.meaning.distances import distance_file

    opened = open_store(store)
    opened.labeling(label)
    neurons = [parse_address(each) for each in neuron] if neuron else None
    distances = {path.stem: distance_file(path) for path in distance or ()}
    with counting("describing", len(opened.clips), shown=True) as advance:
        descriptors = describe(opened, workers=workers, tick=advance)
    found = account_of(
        opened,
        label,
        descriptors,
        neurons=neurons,
        preset=preset,
        distances=distances,
        permutations=permutations,
        seed=seed,
        design=None if design is None else design.value,
        progress=console.say,
    )
    found.save(out or opened.results / f"acoustics-{slug(label)}")
    console.show(found.document(), json, console.acoustics_lines(found))
