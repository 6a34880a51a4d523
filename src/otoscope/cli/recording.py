"""Verbs that record: what models there are, what is in a store, what clips sound like."""

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import (
    Bad,
    Device,
    Dtype,
    Engine,
    EngineChoice,
    EvarLengths,
    Json,
    RayAddress,
    Seconds,
    Separator,
    StorePath,
    TaskLabels,
    Workers,
)
from otoscope.errors import UsageError


@app.command()
def models(json: Json = False) -> None:
    """List the models that exist and how to name them.

    \b
    Example:
      otoscope models
    """
    from otoscope import console
    from otoscope.models import available

    rows = [vars(row) for row in available()]
    console.show({"models": rows}, json, console.model_lines(rows))


@app.command()
def record(
    model: Annotated[
        list[str],
        typer.Option(
            help="A model, as `otoscope models` names them; may be repeated: the audio is read once for all."
        ),
    ],
    task: Annotated[str, typer.Option(help="A task, as `otoscope tasks` names them.")],
    out: Annotated[
        str,
        typer.Option(
            help="The store to make or to complete, a folder or an fsspec URL; with several models, a folder "
            "of them."
        ),
    ],
    seconds: Seconds = None,
    evar_lengths: EvarLengths = False,
    label: TaskLabels = None,
    separator: Separator = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Clips in a batch (default: by clip length).")
    ] = None,
    workers: Workers = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of each process (default: all cores).")
    ] = None,
    engine: Engine = EngineChoice.local,
    ray_address: RayAddress = None,
    on_bad_audio: Annotated[Bad, typer.Option(help="What to do about clips that cannot be read.")] = Bad.stop,
    limit: Annotated[int | None, typer.Option(min=1, help="Try it on this many clips.")] = None,
    twins: Annotated[
        int, typer.Option(min=0, help="Also record this many untrained twins, beside the store.")
    ] = 0,
    shuffled: Annotated[
        int, typer.Option(min=0, help="Also record this many twins with shuffled weights.")
    ] = 0,
    special: Annotated[
        bool, typer.Option("--special", help="Also count CLS and other special positions, apart.")
    ] = False,
    padding: Annotated[bool, typer.Option("--padding", help="Also count padding positions, apart.")] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="Also count firing by frequency row of the grid of tokens.")
    ] = False,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.cpu,
    dtype: Annotated[
        Dtype | None, typer.Option(help="What the model computes in (default: float32).")
    ] = None,
    hook: Annotated[
        str | None,
        typer.Option(
            help="What a neuron is: mlp, residual, attention or a pattern of modules (default: mlp)."
        ),
    ] = None,
    input_size: Annotated[
        str | None, typer.Option(help="Mel bins by frames, if the file does not say: 80x608.")
    ] = None,
    patch_size: Annotated[str | None, typer.Option(help="Patch, if the file does not say: 16x16.")] = None,
    sample_rate: Annotated[int | None, typer.Option(help="Hz, if the file does not say.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A global that a weight file may load, after you have read what it is."),
    ] = None,
    json: Json = False,
) -> None:
    """Record what every neuron does on every clip, in one pass.

    Several models are recorded over one reading of the audio.

    Ctrl-C, a kill or a power cut leave a store that the same command completes. Given several times at once,
    on machines that share a disk, the same command shares the work.

    \b
    Examples:
      otoscope record --model mini:ssl --task folder:my-sounds --out my.zarr
      otoscope record --model mini:ssl --task mini:events --out my.zarr --twins 3
      otoscope record --task folder:my-sounds --out stores \\
        --model mini:ssl --model mini:supervised --model mini:random
      otoscope record --task esc50:ESC-50-master --out esc50.zarr \\
        --model m2d:m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth
      otoscope record --model mini:ssl --task mini:events --out my.zarr \\
        --engine ray --workers 8
    """
    from otoscope import activations, console
    from otoscope.files import path_of
    from otoscope.models import load_model
    from otoscope.tasks import check, load_task

    outs = [path_of(out)] if len(model) == 1 else _places(model, path_of(out))
    clips = load_task(
        task, seconds=seconds, labels=label or (), separator=separator, evar_lengths=evar_lengths
    )
    check(clips, files=False)  # what is wrong with files, recording tells as it reads their headers
    away = engine is EngineChoice.ray  # the GPUs are where the workers are
    loaded = [
        load_model(
            spec,
            device="cpu" if away else device.value,
            dtype=None if dtype is None else dtype.value,
            hook=hook,
            input_size=_size(input_size),
            patch_size=_size(patch_size),
            sample_rate=sample_rate,
            allow=allow or (),
        )
        for spec in model
    ]
    all_models, all_outs = activations.with_twins(loaded, outs, twins, shuffled=shuffled, allow=allow or ())
    stores = activations.record_all(
        all_models,
        clips,
        all_outs,
        batch_size=batch_size,
        workers=workers,
        threads=threads,
        engine=engine.value,
        ray_address=ray_address,
        device=device.value if away else None,
        on_bad_audio=on_bad_audio.value,
        limit=limit,
        special=special,
        padding=padding,
        rows=rows,
        progress=True,
    )
    documents = [console.store_document(store) for store in stores[: len(outs)]]
    document = documents[0] if len(documents) == 1 else {"stores": documents}
    console.show(document, json, [line for each in documents for line in console.store_lines(each)])


@app.command()
def info(store: StorePath, json: Json = False) -> None:
    """Say what is in a store, and what has been found out about it.

    \b
    Example:
      otoscope info my.zarr
    """
    from otoscope import console, open_store

    document = console.store_document(open_store(store))
    console.show(document, json, console.store_lines(document))


@app.command()
def describe(
    store: StorePath,
    workers: Workers = 1,
    engine: Engine = EngineChoice.local,
    ray_address: RayAddress = None,
    json: Json = False,
) -> None:
    """Measure what the clips of a store sound like.

    Loudness, pitch, brightness, spectrum and more are kept in the store as descriptors.parquet. What is there
    already is not measured again.

    \b
    Example:
      otoscope describe esc50.zarr --workers 4
    """
    from otoscope import console, open_store
    from otoscope.activations.progress import counting
    from otoscope.descriptors import describe as measured

    opened = open_store(store)
    with counting("describing", len(opened.clips), shown=True) as advance:
        table = measured(opened, workers=workers, engine=engine.value, ray_address=ray_address, tick=advance)
    document = console.descriptors_document(opened, table)
    console.show(document, json, console.descriptor_lines(document))


def _places(specs: list[str], folder: Path) -> list[Path]:
    """A store for each of several models, named after it."""
    from otoscope.files import slug

    names = [f"{slug(spec)}.zarr" for spec in specs]
    alike = [name.casefold() for name in names]  # some file systems take names that differ in case for one
    for name, likeness in zip(names, alike, strict=True):
        if alike.count(likeness) > 1:
            same = " and ".join(spec for spec, each in zip(specs, alike, strict=True) if each == likeness)
            raise UsageError(
                f"{same} would all be recorded into {folder / name}; expected a store for each; "
                "try a run for each of them, with another --out"
            )
    return [folder / name for name in names]


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise UsageError(f"size {text!r}: expected frequency x time, such as 80x608")
    return int(parts[0]), int(parts[1])
