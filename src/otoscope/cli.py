"""The verbs of the command line: parse, call, print. Nothing heavy is imported until a verb runs."""

import os
import sys
import warnings
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from otoscope.errors import OtoscopeError, UsageError


class _Verbs(TyperGroup):
    """The verbs in the order of work; a group of verbs would else come last."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: name not in ("models", "tasks"))


app = typer.Typer(
    name="otoscope",
    cls=_Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
tasks_app = typer.Typer(rich_markup_mode=None)
app.add_typer(tasks_app, name="tasks")

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the tables (default: results/ in the store).")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Label = Annotated[
    str, typer.Option("--label", help="A labeling of the store; `otoscope info STORE` lists them.")
]
Seconds = Annotated[
    float | None, typer.Option(help="Crop and zero-pad clips to this length (default: whole clips).")
]
EvarLengths = Annotated[
    bool, typer.Option("--evar-lengths", help="Crop and pad clips as EVAR does for this data set.")
]
TaskLabels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A labeling to take, or a column of a table (default: all found)."),
]
Separator = Annotated[
    str | None,
    typer.Option(help="What stands between labels in a cell of a table (default: a comma); '' for none."),
]
StorePath = Annotated[str, typer.Argument(metavar="STORE", help="A store that `otoscope record` made.")]


class Bad(StrEnum):
    """What to do about a clip that cannot be read."""

    stop = "stop"
    skip = "skip"


class Pooling(StrEnum):
    """How the clips of a class are pooled."""

    token = "token"
    clip = "clip"


class Design(StrEnum):
    """Between which clips labels may change places."""

    ungrouped = "ungrouped"
    nested = "nested"
    crossed = "crossed"


class Probe(StrEnum):
    """Which linear classifier reads the clip embeddings."""

    logistic = "logistic"
    evar = "evar"


class Device(StrEnum):
    """Where a model runs."""

    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Dtype(StrEnum):
    """What a model computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"


def main() -> None:
    """Run the command line: one clear line for an error, a traceback only with `--debug`."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    warnings.showwarning = _warn
    try:
        app(arguments, prog_name="otoscope")
    except Exception as error:
        if debug:
            raise
        _complain(error)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _warn(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """Say what a user should know in one line; what only developers should know stays away."""
    del where, more
    if issubclass(category, UserWarning):
        sys.stderr.write(f"otoscope: warning: {message}\n")


def _complain(error: Exception) -> None:
    message = str(error) or type(error).__name__
    if not isinstance(error, (OtoscopeError, OSError)):
        message = (
            f"unexpected {type(error).__name__}: {message} (please report it, with the output of --debug)"
        )
    sys.stderr.write(f"otoscope: {message}\n")


@app.callback(epilog="Start with otoscope demo, which needs no data, no weights and no GPU.")
def otoscope(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)
    ] = False,
) -> None:
    """What the neurons of an audio model listen to, how sure one can be of it, and whether it matters."""
    del debug  # `main` takes it from anywhere in the line; it stands here for the help page
    if version:
        from otoscope import __version__

        typer.echo(__version__)
        raise typer.Exit


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


@tasks_app.callback(invoke_without_command=True)
def tasks(context: typer.Context, json: Json = False) -> None:
    """List the tasks that exist; check one; relabel a store.

    \b
    Examples:
      otoscope tasks
      otoscope tasks check folder:my-sounds
    """
    if context.invoked_subcommand is not None:
        return
    from otoscope import console
    from otoscope.tasks import available

    rows = [console.task_document(reader) for reader in available()]
    console.show({"tasks": rows}, json, console.task_lines(rows))


@tasks_app.command("check")
def check_task(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A task, as `otoscope tasks` names them.")],
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode every sample, and look for clipping and silence.")
    ] = False,
    seconds: Seconds = None,
    evar_lengths: EvarLengths = False,
    label: TaskLabels = None,
    separator: Separator = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at this many clips only; write no manifest unless --out.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The manifest (default: TASK.manifest.parquet); a .csv does not keep the labelings."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Look at every file of a task, and write a manifest with hashes.

    Told are sample rates, lengths, label counts, what cannot be used, clips with the same content, and groups
    that lie in several parts of the split. The manifest names the clips without problems: record from it
    (manifest:FILE), and a file that has changed meanwhile is refused. Exit status 1 if anything is wrong.

    \b
    Examples:
      otoscope tasks check folder:my-sounds
      otoscope tasks check esc50:ESC-50-master --deep --out esc50.parquet
    """
    from otoscope import console
    from otoscope.activations.progress import counting
    from otoscope.files import slug
    from otoscope.tasks import load_task, survey
    from otoscope.tasks.pinning import need_suffix

    if out is not None:
        need_suffix(out)  # before hours of reading
    task = load_task(
        spec, seconds=seconds, labels=label or (), separator=separator, evar_lengths=evar_lengths
    )
    with counting("reading", min(limit or len(task), len(task)), shown=True) as advance:
        found = survey(task, deep=deep, limit=limit, tick=advance)
    if out is None and limit is None:
        out = Path(f"{slug(task.name)}.manifest.parquet")
    document = {**found.document(), "manifest": None, "manifest_task": None}
    if found.usable and out is not None:
        document |= {"manifest_task": found.write_manifest(out), "manifest": str(out)}
    console.show(document, json, console.survey_lines(document))
    if found.problems:
        raise typer.Exit(1)


@tasks_app.command()
def relabel(
    store: StorePath,
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet or JSON lines with a row a key.")
    ],
    on: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The keys, in table and store (default: the table's first)."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column of new labels (default: all but the keys)."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What labels should not be confused with.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The store's column of train, valid and test.")
    ] = None,
    separator: Separator = None,
    json: Json = False,
) -> None:
    """Give a store new labels from a table; no audio is needed.

    The labels are kept in the store's folder labels/, and every verb takes them as it takes the task's.

    \b
    Examples:
      otoscope tasks relabel voxceleb1.zarr countries.csv --on speaker
      otoscope tasks relabel nsynth.zarr octaves.csv --on pitch --label octave
    """
    from otoscope import console
    from otoscope import relabel as give

    opened = give(store, table, on, labels=label or (), group=group, split=split, separator=separator)
    document = console.store_document(opened)
    console.show(document, json, console.store_lines(document))


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
        Path, typer.Option(help="The store to make or to complete; with several models, a folder of them.")
    ],
    seconds: Seconds = None,
    evar_lengths: EvarLengths = False,
    label: TaskLabels = None,
    separator: Separator = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Clips in a batch (default: by clip length).")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result is the same to the bit.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of each process (default: all cores).")
    ] = None,
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

    Ctrl-C, a kill or a power cut leave a store that the same command completes.

    \b
    Examples:
      otoscope record --model mini:ssl --task folder:my-sounds --out my.zarr
      otoscope record --model mini:ssl --task mini:events --out my.zarr --twins 3
      otoscope record --task folder:my-sounds --out stores \\
        --model mini:ssl --model mini:supervised --model mini:random
      otoscope record --task esc50:ESC-50-master --out esc50.zarr \\
        --model m2d:m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth
    """
    from otoscope import activations, console
    from otoscope.models import load_model
    from otoscope.tasks import check, load_task

    outs = [out] if len(model) == 1 else _places(model, out)
    clips = load_task(
        task, seconds=seconds, labels=label or (), separator=separator, evar_lengths=evar_lengths
    )
    check(clips, files=False)  # what is wrong with files, recording tells as it reads their headers
    loaded = [
        load_model(
            spec,
            device=device.value,
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
        on_bad_audio=on_bad_audio.value,
        limit=limit,
        special=special,
        padding=padding,
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
def select(
    store: StorePath,
    label: Label,
    preset: Annotated[str, typer.Option(help="Filters: aape, aape-drop5 or lape.")] = "aape",
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
      otoscope select esc50.zarr --label category --preset lape --share 0.02
    """
    from otoscope import console, neurons, open_store
    from otoscope.files import slug
    from otoscope.neurons.baselines import beside_twins

    opened = open_store(store)
    choose = partial(
        neurons.select,
        label=label,
        preset=preset,
        response=response,
        share=share,
        assignment=assignment,
        pooling=pooling.value,
        clips=None if split is None else opened.labeling(label).in_split(opened.clips, split),
        design=None if design is None else design.value,
        seed=seed,
    )
    selection = choose(opened, permutations=permutations)
    selection = beside_twins(selection, opened, partial(choose, permutations=0))
    selection.save(out or opened.results / f"select-{slug(label)}")
    console.show(selection.document(), json, console.selection_lines(selection))


@app.command()
def share(
    first: Annotated[str, typer.Argument(metavar="STORE:LABEL", help="A store and one of its labelings.")],
    second: Annotated[
        str | None, typer.Argument(metavar="[STORE:LABEL]", help="Another; default: itself.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Filters: aape, aape-drop5 or lape.")] = "aape",
    test: Annotated[
        bool, typer.Option("--test", help="Test it; holds only where classes have alike numbers of neurons.")
    ] = False,
    permutations: Annotated[int, typer.Option(min=1, help="Permutations behind the tests.")] = 1000,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Count the neurons that classes share, in one labeling or in two.

    \b
    Examples:
      otoscope share gtzan.zarr:genre
      otoscope share cremad.zarr:gender vc1.zarr:gender
    """
    from otoscope import console, neurons, open_store
    from otoscope.files import slug

    places = [_store_and_label(each) for each in (first, second) if each is not None]
    selections = [
        neurons.select(open_store(store), label, preset=preset, permutations=0) for store, label in places
    ]
    sharing = neurons.share(*selections, permutations=permutations if test else 0, seed=seed)
    name = "-".join(
        slug(each) for each in (places[0][1], *(f"{Path(s).stem}-{label}" for s, label in places[1:]))
    )
    sharing.save(out or open_store(places[0][0]).results / f"share-{name}")
    console.show(sharing.document(), json, console.sharing_lines(sharing))


@app.command()
def probe(
    store: StorePath,
    label: Label,
    kind: Annotated[
        Probe, typer.Option("--probe", help="Regularised logistic regression, or EVAR's protocol.")
    ] = (Probe.logistic),
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Measure what a linear classifier reads from the clip embeddings.

    \b
    Example:
      otoscope probe esc50.zarr --label category
    """
    from otoscope import console, open_store, probe_accuracy
    from otoscope.files import slug, write_json

    opened = open_store(store)
    score = probe_accuracy(opened, label, probe=kind.value, seed=seed)
    write_json((out or opened.results) / f"probe-{slug(label)}.json", score.document())
    console.show(score.document(), json, console.probe_lines(score))


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


@app.command()
def report(
    stores: Annotated[
        list[str], typer.Argument(metavar="STORE...", help="Stores, with what the other verbs found.")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("report"),
    json: Json = False,
) -> None:
    """Write a page of all that was found; it opens without a network.

    \b
    Example:
      otoscope report esc50.zarr gtzan.zarr --out report
    """
    from otoscope import console, reporting

    page = reporting.report(stores, out)
    console.show({"report": str(page)}, json, [f"open {page}"])


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    full: Annotated[
        bool, typer.Option(help="Ablate every labeling on every model (some twenty minutes).")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Try it on this many clips of each task.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes (default: one a core, at most 4).")
    ] = None,
    json: Json = False,
) -> None:
    """Run the whole study on the embedded miniature.

    \b
    Example:
      otoscope demo --out demo
    """
    from otoscope import console, study

    crew = workers or min(os.cpu_count() or 1, 4)
    plan = study.FULL if full else study.DEMO
    result = study.run(plan, out, limit=limit, workers=crew, say=console.say, progress=True)
    console.show(result.document(), json, console.study_lines(result))


@app.command()
def pretrain(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG.yaml", help="What to train, on what, and where to.")
    ],
    json: Json = False,
) -> None:
    """Train a small model, self-supervised or supervised.

    Objectives: M2D, masked reconstruction, and the supervised twin.

    The same command goes on where a stopped run was.

    \b
    Example:
      otoscope pretrain tools/mini/ssl.yaml
    """
    from otoscope import console, pretraining

    result = pretraining.pretrain(config, progress=True)
    console.show(result.document(), json, console.pretraining_lines(result))


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


@app.command()
def compare_selectors(
    store: StorePath,
    label: Label,
    selector: Annotated[
        list[str] | None, typer.Option(help="A selector to compare; can be given again (default: all).")
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
def describe(
    store: StorePath,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the result is the same.")] = 1,
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
        table = measured(opened, workers=workers, tick=advance)
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


def _store_and_label(text: str) -> tuple[str, str]:
    store, colon, label = text.rpartition(":")
    if not colon or not store or not label:
        raise UsageError(f"{text!r}: expected STORE:LABEL, such as cremad.zarr:gender")
    return store, label
