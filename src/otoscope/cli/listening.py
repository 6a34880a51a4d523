"""The verb listen: what a neuron listens to."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json, Seed, StorePath
from otoscope.errors import UsageError


@app.command()
def listen(
    store: StorePath,
    neuron: Annotated[
        list[str], typer.Option("--neuron", metavar="LAYER.UNIT", help="A neuron; repeat it for several.")
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Where the recorded model lies now, as for record (default: where it lay)."),
    ] = None,
    examples: Annotated[
        int, typer.Option(min=1, help="Clips that fire it most; half as many of each other kind.")
    ] = 6,
    permutations: Annotated[
        int, typer.Option(min=0, help="Label permutations behind the bands of the profiles; 0 for none.")
    ] = 200,
    sound: Annotated[
        bool, typer.Option(help="Hear the examples again, to see where in them it fires.")
    ] = True,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a folder a neuron (default: results/ in the store).")
    ] = None,
    json: Json = False,
) -> None:
    """Tell what a neuron listens to: its clips, where in them it fires, its profile, and its likes.

    Saves a page (card.html), a picture (card.png) and the sounds as WAV.

    \b
    Examples:
      otoscope listen esc50.zarr --neuron 7.1157
      otoscope listen esc50.zarr --neuron 7.1157 --neuron 9.200 --out heard
    """
    from otoscope import console, listening, load_model, open_store
    from otoscope.neurons.addresses import parse_address

    addresses = list(dict.fromkeys(map(parse_address, neuron)))
    if not addresses:
        raise UsageError("no neuron is given; expected --neuron LAYER.UNIT, for example --neuron 7.1157")
    opened = open_store(store)
    made = listening.cards(
        opened,
        addresses,
        model=None if model is None else load_model(model),
        examples=examples,
        permutations=permutations,
        seed=seed,
        sound=sound,
    )
    place = out or opened.results
    written = {card.address: card.save(place / f"listen-{card.address}") for card in made}
    lines = (line for card in made for line in console.card_lines(card, written[card.address]))
    console.show({"cards": [card.document() for card in made]}, json, lines)
