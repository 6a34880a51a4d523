"""Verbs that look for neurons: select, selectors compared, power."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Design, Json, Label, Out, Pooling, Seed, StorePath


@app.command()
def select(
    store: StorePath,
    label: Label,
    preset: Annotated[
        str | None,
        typer.Option(
            help="specific; filters: aape, aape-drop5, lape; or a selector such as auroc, see "
            "compare-selectors (default: specific; with a threshold aape)."
        ),
    ] = None,
    response: Annotated[
        float | None, typer.Option(help="Quantile of all p that a neuron's largest p must pass.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="Share of all neurons kept, those of lowest entropy.")
    ] = None,
    assignment: Annotated[
        float | None, typer.Option(help="Quantile of all p above which a class is assigned.")
    ] = None,
    pooling: Annotated[
        Pooling, typer.Option(help="Pool a class's tokens, or average its clips.")
    ] = Pooling.token,
    split: Annotated[
        str | None, typer.Option(help="Use the clips of this split or fold only (default: all).")
    ] = None,
    equalise: Annotated[
        bool,
        typer.Option("--equalise", help="Draw as many clips of every class as the smallest class has."),
    ] = False,
    design: Annotated[
        Design | None, typer.Option(help="Which labels may change places (default: found by itself).")
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=0, help="Label permutations behind the chance level; 0 for none.")
    ] = 100,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Find class-specific neurons, beside what shuffled labels and untrained twins give.

    \b
    Examples:
      otoscope select esc50.zarr --label category
      otoscope select esc50.zarr --label category --preset aape --share 0.02
      otoscope select esc50.zarr --label category --equalise
    """
    from otoscope import console, neurons, open_store

    opened = open_store(store)
    selection = neurons.select(
        opened,
        label,
        preset=preset,
        response=response,
        share=share,
        assignment=assignment,
        pooling=pooling.value,
        clips=None if split is None else opened.labeling(label).in_split(opened.clips, split),
        equalise=equalise,
        permutations=permutations,
        seed=seed,
        design=None if design is None else design.value,
    )
    selection.save(out or opened.results / selection.folder)
    console.show(selection.document(), json, console.selection_lines(selection))


@app.command()
def compare_selectors(
    store: StorePath,
    label: Label,
    selector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="specific, lap, entropy, aape, aape-drop5, mad, cas, csi, eta2, auroc, dprime, mi, "
            "probeless, or one of another package; can be given again (default: all).",
        ),
    ] = None,
    share: Annotated[float, typer.Option(help="Share of all neurons that each takes.")] = 0.01,
    per_class: Annotated[bool, typer.Option("--per-class", help="As many neurons for each class.")] = False,
    repeats: Annotated[int, typer.Option(min=1, help="Splits of the groups into halves.")] = 5,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Compare ways to select neurons: agreement, stability, effect on new clips.

    \b
    Examples:
      otoscope compare-selectors esc50.zarr --label category
      otoscope compare-selectors esc50.zarr --label category \\
        --selector aape --selector auroc --share 0.02
    """
    from otoscope import console, open_store
    from otoscope.files import slug
    from otoscope.neurons import selectors

    opened = open_store(store)
    found = selectors.compare_selectors(
        opened,
        label,
        names=selector or None,
        share=share,
        per_class=per_class,
        repeats=repeats,
        seed=seed,
        progress=console.say,
    )
    found.save(out or opened.results / f"selectors-{slug(label)}")
    console.show(found.document(), json, console.selector_lines(found.document()))


@app.command()
def power(
    source: Annotated[str, typer.Argument(metavar="SPEC_OR_STORE", help="A task, or a store.")],
    label: Annotated[str, typer.Option("--label", help="A labeling of the task or store.")],
    neurons: Annotated[
        int | None, typer.Option(min=1, help="Neurons of the model (default: the store's, or a ViT-B's).")
    ] = None,
    design: Annotated[
        Design | None, typer.Option(help="Which labels may change places (default: found by itself).")
    ] = None,
    alpha: Annotated[float, typer.Option(help="False discovery rate.")] = 0.05,
    target: Annotated[float, typer.Option(help="Probability with which to find a neuron.")] = 0.8,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say beforehand what can be found: from classes and groups alone.

    Told are the groups left to test on, and the smallest difference that is seen.

    \b
    Examples:
      otoscope power folder:my-sounds --label class
      otoscope power cremad.zarr --label emotion
    """
    from otoscope import console, open_store
    from otoscope.neurons.evidence.power import power as foresee
    from otoscope.tasks import load_task

    found = foresee(
        open_store(source) if Path(source).is_dir() else load_task(source),
        label,
        neurons=neurons,
        alpha=alpha,
        target=target,
        seed=seed,
        design=None if design is None else design.value,
    )
    console.show(found.document(), json, console.power_lines(found))
