"""Fills the page "Does it matter?": the published sets, and what a finished miniature study shows.

    python tools/docs_impact.py results  # impact.csv, .json and .png in docs/results; `make results` does it

MkDocs calls this file for the tables when the docs are built. No figure in them is typed by hand: the
published ones come with the named sets, the others from that run.
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from otoscope.files import read_json, replacing, write_json
from otoscope.interventions import PUBLISHED, Ablation, published
from otoscope.study.places import stores_of
from otoscope.study.plan import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist

RESULTS = Path(__file__).parents[1] / "docs" / "results"
TABLE = RESULTS / "impact.csv"
SENTENCES = RESULTS / "impact.json"
FIGURE = RESULTS / "impact.png"
_COLUMNS = 3
GIVEN, FOUND = "{{ published }}", "{{ miniature }}"


def on_page_markdown(markdown: str, **_context: object) -> str:
    """MkDocs calls this for every page."""
    if GIVEN not in markdown:
        return markdown
    markdown = markdown.replace(GIVEN, "\n\n".join(map(published_table, PUBLISHED)))
    return markdown.replace(FOUND, found())


def main() -> None:
    """Take from a study what the page shows: of the self-supervised model; the table has all models."""
    study = Path(sys.argv[1])
    plan = Study.model_validate(read_json(study / "plan.json"))
    found = [
        (plan.models[model].role, Ablation.load(folder))
        for (model, _), store in stores_of(plan, study).items()
        for folder in sorted((store / "results").glob("ablate-*"))
    ]
    table = pd.concat([rows(ablation) for _, ablation in found], ignore_index=True)
    with replacing(TABLE) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    shown = [ablation for role, ablation in found if role == "self-supervised"]
    write_json(SENTENCES, {name_of(ablation): told(ablation) for ablation in shown})
    draw([ablation for ablation in shown if ablation.primary and "--all" in ablation.settings["options"]])


def told(ablation: Ablation) -> list[str]:
    """The result's sentences; of classes without control sets only what they say of one another."""
    return [each for each in ablation.sentences if ablation.primary or each.startswith("Self against")]


def draw(ablations: list[Ablation]) -> None:
    """What all neurons of a labeling off do to the margin of each class, beside the control sets."""
    from matplotlib.figure import Figure

    ablations = sorted(ablations, key=lambda each: len(each.classes), reverse=True)
    heights = [1.2 + 0.2 * max(len(each.classes), 6) for each in ablations[::_COLUMNS]]
    canvas = Figure(figsize=(4.2 * _COLUMNS, sum(heights)), layout="constrained")
    panels = canvas.subplots(len(heights), _COLUMNS, squeeze=False, height_ratios=heights).flat
    kinds: dict[str, Artist] = {}
    for ablation, ax in zip(ablations, panels, strict=False):
        ablation.plot(measure="margin", ax=ax)
        legend = ax.get_legend()
        kinds |= zip((text.get_text() for text in legend.texts), legend.legend_handles, strict=True)
        legend.remove()
        ax.set_title(f"{task_of(ablation)}: {ablation.label}")
    for ax in list(panels):
        ax.set_axis_off()
    canvas.legend(kinds.values(), kinds, loc="outside lower center", ncols=len(kinds), frameon=False)
    with replacing(FIGURE) as temporary:
        # No version of what drew it, so that equal numbers give equal bytes.
        canvas.savefig(temporary, dpi=80, facecolor="white", format="png", metadata={"Software": None})


def task_of(ablation: Ablation) -> str:
    """The task that was recorded."""
    return str(ablation.provenance["recording"]["task"]["name"])


def name_of(ablation: Ablation) -> str:
    """The task, the labeling, the model, and whose neurons."""
    options = ablation.settings["options"]
    classes = [word for flag, word in pairwise(options) if flag == "--class"]
    whose = "all neurons" if "--all" in options else " and ".join(classes) or "class by class"
    return (
        f"{task_of(ablation)}, {ablation.label}, {ablation.provenance['recording']['model']['name']}, {whose}"
    )


def rows(ablation: Ablation) -> pd.DataFrame:
    """What the page's table says of an ablation: each target on its own classes."""
    summary = ablation.summary.assign(experiment=name_of(ablation), primary=ablation.primary)
    own = {target.name: target.categories for target in ablation.targets}
    kept = [row["category"] in own[row["target"]] for row in summary.to_dict("records")]
    sizes = {target.name: len(target.neurons) for target in ablation.targets}
    summary["neurons"] = summary["target"].map(sizes)
    return summary[kept]


def published_table(name: str) -> str:
    """A published list's accuracies, with room for one's own."""
    found = published(name)
    head = "class | clips | unmodified | off | neighbours off | yours: unmodified | off (95 %) | controls (p)"
    lines = [
        f"`{name}`: {len(found.neurons)} neurons, chosen for {' and '.join(found.categories)}. "
        f"Source: {found.source}.",
        "",
        f"| {head} |",
        "|" + "---|" * len(head.split(" | ")),
    ]
    for row in found.accuracies.to_dict("records"):
        before, clips = row["baseline"], row["clips"]
        cells = [
            row["category"],
            str(clips),
            f"{before:.4f}",
            *(changed(row[key], before, clips) for key in ("ablated", "neighbour")),
            *("", "", ""),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", in_all(found.accuracies)])


def in_all(accuracies: pd.DataFrame) -> str:
    """What a published list changed over all classes."""
    moved = {
        key: round(float(((accuracies[key] - accuracies["baseline"]) * accuracies["clips"]).sum()))
        for key in ("ablated", "neighbour")
    }
    return (
        f"Over all {accuracies['clips'].sum():,} test clips the number of right ones changes by "
        f"{moved['ablated']} with the neurons off, and by {moved['neighbour']} with their neighbours off."
    )


def changed(after: float, before: float, clips: int) -> str:
    """An accuracy, and by how many clips it changed."""
    moved = round((after - before) * clips)
    return f"{after:.4f} ({moved:+d})" if moved else f"{after:.4f} (0)"


def found() -> str:
    """What the miniature shows, in the results' own words."""
    parts = ["![Margins with the class-specific neurons off, beside control sets](results/impact.png)", ""]
    for name, sentences in read_json(SENTENCES).items():
        parts += [f"**{name}**", "", *(f"- {sentence}" for sentence in sentences), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
