"""The verb that says what is to be believed."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Design, Json, Out, Seed, StorePath


@app.command()
def evidence(
    store: StorePath,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="A labeling; can be given again (default: all).")
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(help="What selects neurons; can be given again (default: specific and aape)."),
    ] = None,
    permutations: Annotated[int, typer.Option(min=1, help="Label permutations behind chance.")] = 100,
    design: Annotated[
        Design | None, typer.Option(help="Which labels may change places (default: found by itself).")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Say what of a selection survives permuted labels, twins, unseen clips and other halves.

    With several labelings each has a folder of its own, also in --out. One that cannot be judged is told with
    the reason.

    \b
    Examples:
      otoscope evidence esc50.zarr
      otoscope evidence cremad.zarr --label emotion --label gender \\
        --permutations 1000
    """
    from otoscope import console, open_store
    from otoscope.errors import OtoscopeError, UsageError
    from otoscope.neurons.evidence.gathering import evidence as gather

    opened = open_store(store)
    labels = tuple(dict.fromkeys(label or opened.labelings))
    found, refused = [], {}
    for name in labels:
        try:
            gathered = gather(
                opened,
                name,
                presets=preset or ("specific", "aape"),
                permutations=permutations,
                seed=seed,
                design=None if design is None else design.value,
                progress=lambda line, name=name: console.say(f"{name}: {line}"),  # type: ignore[misc]
            )
        except OtoscopeError as error:
            if len(labels) == 1 or isinstance(error, UsageError):
                raise
            refused[name] = str(error)
            continue
        for selection in gathered.selections.values():
            selection.save(opened.results / selection.folder)
        place = opened.results if out is None else out
        gathered.save(out if out and len(labels) == 1 else place / gathered.folder)
        found.append(gathered.document())
    if not found:
        raise OtoscopeError("; ".join(f"{name}: {reason}" for name, reason in refused.items()))
    document = {"labelings": found, "refused": refused}
    console.show(document, json, console.evidence_lines(document))
