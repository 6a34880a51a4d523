"""Fills the page "Does it matter?": the published sets, and what a finished miniature study shows.

    python tools/docs_impact.py demo     # after `make demo`: impact.csv, .json and .png in docs/results

MkDocs calls this file for the tables when the docs are built. No figure in them is typed by hand: the
published ones come with the named sets, the others from that run.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from otoscope.files import read_json, replacing, write_json
from otoscope.interventions import PUBLISHED, Ablation, published

RESULTS = Path(__file__).parents[1] / "docs" / "results"
TABLE = RESULTS / "impact.csv"
SENTENCES = RESULTS / "impact.json"
FIGURE = RESULTS / "impact.png"
GIVEN, FOUND = "{{ published }}", "{{ miniature }}"


def on_page_markdown(markdown: str, **_context: object) -> str:
    """MkDocs calls this for every page."""
    if GIVEN not in markdown:
        return markdown
    markdown = markdown.replace(GIVEN, "\n\n".join(map(published_table, PUBLISHED)))
    return markdown.replace(FOUND, found())


def main() -> None:
    """Take from a study what the page shows."""
    stores = sorted((Path(sys.argv[1]) / "stores").glob("*.zarr"))
    ablations = [(store, Ablation.load(each)) for store in stores for each in saved(store)]
    table = pd.concat([rows(ablation) for _, ablation in ablations], ignore_index=True)
    with replacing(TABLE) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    write_json(SENTENCES, {name_of(ablation): told(ablation) for _, ablation in ablations})
    draw([ablation for _, ablation in ablations if ablation.primary])


def told(ablation: Ablation) -> list[str]:
    """The result's sentences; of classes without control sets only what they say of one another."""
    return [each for each in ablation.sentences if ablation.primary or each.startswith("Self against")]


def draw(ablations: list[Ablation]) -> None:
    """What all neurons of a labeling off do to the margin of each class, beside the control sets."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(4.2 * len(ablations), 4.4), layout="constrained")
    for ax, ablation in zip(canvas.subplots(1, len(ablations), squeeze=False)[0], ablations, strict=True):
        ablation.plot(measure="margin", ax=ax)
        legend = ax.get_legend()
        handles, words = legend.legend_handles, [text.get_text() for text in legend.texts]
        legend.remove()
        ax.set_title(ablation.label)
        if ablation is ablations[0]:  # it has classes of both kinds
            canvas.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False)
    with replacing(FIGURE) as temporary:
        canvas.savefig(temporary, dpi=110, facecolor="white", format="png")


def saved(store: Path) -> Iterator[Path]:
    """The folders of a store's ablations."""
    return iter(sorted((store / "results").glob("ablate-*")))


def name_of(ablation: Ablation) -> str:
    """The model and the labeling; class by class where it is so."""
    model = ablation.provenance["recording"]["model"]["name"]
    series = "over gains" if any(target.series for target in ablation.targets) else "class by class"
    return f"{ablation.label}, {model}, {series}"


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
    """What the miniature shows, in the result's own words."""
    parts = ["![Margins with the class-specific neurons off, beside control sets](results/impact.png)", ""]
    for name, sentences in read_json(SENTENCES).items():
        parts += [f"**{name}**", "", *(f"- {sentence}" for sentence in sentences), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
