"""What a probe reads from the embeddings."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json, Label, Out, Probe, Seed, StorePath


@app.command()
def probe(
    store: StorePath,
    label: Label,
    kind: Annotated[
        Probe,
        typer.Option(
            "--probe",
            help="The one that counts: regularised logistic regression, or EVAR's protocol, whose head for "
            "two classes is repaired here. The other is judged beside it.",
        ),
    ] = Probe.logistic,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Measure what a linear classifier reads from the clip embeddings.

    The score is the accuracy on clips that the probe has not learnt from; of a labeling with several labels a
    clip, the mean average precision (mAP). EVAR's learning rate is 3e-5 for M2D and ATST, else 3e-4.

    \b
    Example:
      otoscope probe esc50.zarr --label category
    """
    from otoscope import console, open_store, probe_accuracy
    from otoscope.files import slug, write_result

    opened = open_store(store)
    score = probe_accuracy(opened, label, probe=kind.value, seed=seed)
    write_result((out or opened.results) / f"probe-{slug(label)}.json", score.document())
    console.show(score.document(), json, console.probe_lines(score))
