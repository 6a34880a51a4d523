"""The verb share: what neurons classes have in common, and whether it is more than chance."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json, Out, Seed
from otoscope.errors import UsageError


@app.command()
def share(
    first: Annotated[str, typer.Argument(metavar="STORE:LABEL", help="A store and one of its labelings.")],
    second: Annotated[
        str | None, typer.Argument(metavar="[STORE:LABEL]", help="Another; default: itself.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="aape, aape-drop5 or lape; or specific: at most a quarter of the classes a neuron (below 8 "
            "nothing can be shared), not tested."
        ),
    ] = "aape",
    permutations: Annotated[
        int, typer.Option(min=0, help="Label permutations behind the tests; 0 for none.")
    ] = 200,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Count and test the neurons that classes share, in one labeling or in two.

    Every count stands beside what permuted labels give. A pair passes (*) if it also shares more than the
    numbers of neurons of its classes explain.

    \b
    Examples:
      otoscope share gtzan.zarr:genre
      otoscope share cremad.zarr:gender vc1.zarr:gender
    """
    from otoscope import console, neurons, open_store
    from otoscope.files import slug
    from otoscope.neurons.sharing.profiles import profile_correlation
    from otoscope.neurons.sharing.tested import sharing_test

    places = [_store_and_label(each) for each in (first, second) if each is not None]
    opened = [(open_store(path), named) for path, named in places]
    (store, label), (other, other_label) = opened[0], opened[1] if second else (None, None)
    profiles = None
    if permutations and preset != "specific":
        console.say(f"selecting {permutations} times with permuted labels")
        sharing = sharing_test(
            store, label, other, other_label, preset=preset, permutations=permutations, seed=seed
        )
        console.say("correlating the profiles of all neurons")
        profiles = profile_correlation(store, label, other, other_label, permutations=permutations, seed=seed)
    else:
        sharing = neurons.share(
            *(
                neurons.select(each, named, preset=preset, permutations=0, twins=False, seed=seed)
                for each, named in opened
            )
        )
    name = "-".join(
        slug(each) for each in (places[0][1], *(f"{Path(s).stem}-{named}" for s, named in places[1:]))
    )
    place = out or store.results / f"share-{name}"
    sharing.save(place)
    document = sharing.document()
    if profiles is not None:
        profiles.save(place)
        document["profiles"] = profiles.document()
    console.show(document, json, console.sharing_lines(sharing, profiles))


def _store_and_label(text: str) -> tuple[str, str]:
    store, colon, label = text.rpartition(":")
    if not colon or not store or not label:
        raise UsageError(f"{text!r}: expected STORE:LABEL, such as cremad.zarr:gender")
    return store, label
