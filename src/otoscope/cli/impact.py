"""The verb that says what neurons are good for: what switching them changes."""

from dataclasses import replace
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.designs import asked_for, check, folder, level_of, line, maker_of
from otoscope.cli.grouping import Grouped
from otoscope.cli.options import Device, How, Json, Judge, Label, Match, Out, Seed, StorePath

_WHAT, _SERIES, _DONE = "Which neurons", "In a series", "What is done to them"
_CONTROLS, _JUDGE, _RUN = "Beside which controls", "Who judges", "Running"


@app.command(cls=Grouped)
def ablate(
    ctx: typer.Context,
    store: StorePath,
    label: Label,
    category: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="Those of this class; given again, of these classes together (default: every class by "
            "itself).",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Those of every pair of classes.", rich_help_panel=_WHAT)
    ] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="Those that two classes share.", rich_help_panel=_WHAT)
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Those of all classes together.", rich_help_panel=_WHAT)
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(help="What chooses them, as select has it (default: aape).", rich_help_panel=_WHAT),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="STORE", help="Choose in this recording of the model.", rich_help_panel=_WHAT
        ),
    ] = None,
    other_label: Annotated[
        str | None,
        typer.Option("--from-label", metavar="LABEL", help="A labeling of --from.", rich_help_panel=_WHAT),
    ] = None,
    selector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="The first --count of each class by this selector (see compare-selectors); can be given "
            "again.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    neuron: Annotated[
        list[str] | None,
        typer.Option(metavar="LAYER.UNIT", help="This one; can be given again.", rich_help_panel=_WHAT),
    ] = None,
    neurons: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="Those that a file lists (JSON, YAML, CSV, Parquet), or a published list: "
            "kawamura2026:anger-happiness, kawamura2026:jazz-classical.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    gain: Annotated[
        list[float] | None,
        typer.Option(
            metavar="G",
            help="Factor on the neurons: 0 is off, below 1 weaker, above 1 stronger (default: 0); given "
            "again, dose and response.",
            rich_help_panel=_SERIES,
        ),
    ] = None,
    count: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Only so many of them; given again, dose and response.",
            rich_help_panel=_SERIES,
        ),
    ] = None,
    rank_by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which of them come first: entropy, probability, random or a selector (default: entropy).",
            rich_help_panel=_SERIES,
        ),
    ] = None,
    by_layer: Annotated[
        bool, typer.Option("--by-layer", help="Layer by layer.", rich_help_panel=_SERIES)
    ] = False,
    how: Annotated[
        How,
        typer.Option(
            help="Multiplied by a gain; held at their mean, or at --value; given the activations of a random "
            "other clip, or of a clip of the target's class.",
            rich_help_panel=_DONE,
        ),
    ] = How.gain,
    value: Annotated[
        float | None, typer.Option(help="What --how clamp holds them at.", rich_help_panel=_DONE)
    ] = None,
    controls: Annotated[
        int, typer.Option(min=20, help="Control sets of each kind.", rich_help_panel=_CONTROLS)
    ] = 20,
    match: Annotated[
        list[Match] | None,
        typer.Option(
            metavar="KIND",
            help="layer, rate, displacement, neighbour (the default: these four), directions or components: "
            "what they have in common with the target; can be given again.",
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    probe: Annotated[
        Judge, typer.Option(help="The classifier that counts.", rich_help_panel=_JUDGE)
    ] = Judge.logistic,
    probe_seeds: Annotated[
        int, typer.Option(min=1, help="How often it is trained.", rich_help_panel=_JUDGE)
    ] = 3,
    clips: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Hear at most so many test clips, of all classes alike (default: all).",
            rich_help_panel=_RUN,
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips in a batch.", rich_help_panel=_RUN)] = 16,
    device: Annotated[Device, typer.Option(help="Where the model runs.", rich_help_panel=_RUN)] = Device.cpu,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Switch neurons off and see what the classification loses, beside control sets.

    The neurons are chosen on clips that the classifier is not tested on. The result lies in a folder of its
    own for each design, with the outcomes of all conditions: the same command goes on where it was stopped,
    and one with more controls hears only those that are new.

    \b
    Examples:
      otoscope ablate cremad.zarr --label emotion
      otoscope ablate cremad.zarr --label emotion --class ANG --class HAP \\
        --gain 0 --gain 0.5 --gain 2
      otoscope ablate cremad.zarr --label emotion --all --by-layer
      otoscope ablate cremad.zarr --label emotion --selector auroc \\
        --selector aape --count 20
      otoscope ablate cremad.zarr --label emotion --from voxceleb1.zarr \\
        --from-label gender
      otoscope ablate cremad.zarr --label emotion \\
        --neurons kawamura2026:anger-happiness --probe evar
    """
    del category, pairs, shared, all_, other, other_label, selector, neuron, neurons  # `asked_for` has these,
    del gain, count, rank_by, by_layer, value  # as far as they were given
    asked = asked_for(ctx)
    check(asked)
    from otoscope import console, open_store
    from otoscope.interventions import ablation as experiment

    opened = open_store(store)
    place = out or opened.results / folder(label, asked)
    ablation = experiment.ablate(
        opened,
        label,
        targets=maker_of(asked),
        how=how.value,
        gain=level_of(asked),
        controls=controls,
        matched=[each.value for each in match] if match else experiment.MATCHED,
        clips=clips,
        seed=seed,
        preset=preset or "aape",
        batch_size=batch_size,
        probe=probe.value,
        probe_seeds=probe_seeds,
        device=device.value,
        cache=place / "outcomes",
        say=console.say,
        progress=True,
    )
    ablation = replace(ablation, settings={**ablation.settings, "options": line(asked)})
    ablation.save(place)
    console.show(ablation.document(), json, console.ablation_lines(ablation))
