"""Verbs about what neurons are good for: what switching them off changes."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Device, Json, Label, Out, Probe, Seed, StorePath


@app.command()
def ablate(
    store: StorePath,
    label: Label,
    category: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="Switch off the neurons of these classes together (default: each class by itself).",
        ),
    ] = None,
    neuron: Annotated[
        list[str] | None, typer.Option(help="Switch off these neurons instead: LAYER.UNIT.")
    ] = None,
    gain: Annotated[
        float, typer.Option(help="Factor on the neurons: 0 is off, below 1 weaker, above 1 stronger.")
    ] = 0.0,
    controls: Annotated[int, typer.Option(min=20, help="Random control sets, matched per layer.")] = 20,
    preset: Annotated[str, typer.Option(help="Filters that choose the neurons.")] = "aape",
    kind: Annotated[Probe, typer.Option("--probe", help="Which linear classifier judges.")] = Probe.logistic,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips in a batch.")] = 16,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.cpu,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Switch neurons off and see what the classification loses.

    Beside it stand random control sets of as many neurons in the same layers.

    \b
    Examples:
      otoscope ablate cremad.zarr --label emotion --class ANG --class HAP
      otoscope ablate cremad.zarr --label emotion --neuron 7.1157 --neuron 7.638
    """
    from otoscope import console, interventions, open_store
    from otoscope.files import slug
    from otoscope.neurons import parse_address

    opened = open_store(store)
    ablation = interventions.ablate(
        opened,
        label,
        categories=category or None,
        neurons=[parse_address(each) for each in neuron] if neuron else None,
        gain=gain,
        controls=controls,
        preset=preset,
        probe=kind.value,
        batch_size=batch_size,
        device=device.value,
        seed=seed,
        progress=True,
    )
    ablation.save(out or opened.results / f"ablate-{slug('-'.join([label, *(category or [])]))}")
    console.show(ablation.document(), json, console.ablation_lines(ablation))
