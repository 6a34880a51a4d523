"""Write the documentation's results from a finished miniature study.

    python tools/mini/results.py demo        # after `make demo`; `make results` does it for the whole study

Makes docs/results/summary.md (one row per task, labeling and model), docs/results/ablation.md and the
README's picture, docs/results/overview.png. No figure in the documentation is typed by hand.
"""

import sys
from pathlib import Path

import pandas as pd

from otoscope import plots
from otoscope.files import read_json, replacing
from otoscope.interventions import Ablation
from otoscope.reporting.collect import collect
from otoscope.reporting.overview import measure_table, overview_table

DOCS = Path(__file__).parents[2] / "docs" / "results"


def main() -> None:
    study = Path(sys.argv[1])
    write("summary.md", summary(read_json(study / "study.json")["results"]))
    stores = sorted((study / "stores").glob("*.zarr"))
    write("ablation.md", ablations(stores))
    picture(stores)


def write(name: str, text: str) -> None:
    with replacing(DOCS / name) as temporary:
        temporary.write_text(text, encoding="utf-8")


def summary(results: list[dict]) -> str:
    """What was found, as a Markdown table."""
    head = (
        "task, labeling | model | class-specific neurons (chance) | coverage (chance) | "
        "depth in nats (chance) | p of depth | probe accuracy (95 %)"
    )
    lines = [f"| {head} |", "|---|---|---|---|---|---|---|"]
    for found in sorted(results, key=lambda each: (each["task"], each["label"])):
        chance, (low, high) = found["chance"], found["probe"]["interval"]
        p = "no test" if chance["depth"]["p"] is None else f"{chance['depth']['p']:.3f}"
        cells = (
            f"{found['task']}, {found['label']}",
            found["model"],
            f"{found['neurons']} ({chance['neurons']['mean']:.0f})",
            f"{found['coverage']:.2f} ({chance['coverage']['mean']:.2f})",
            f"{found['depth']:.3f} ({chance['depth']['mean']:.3f})",
            p,
            f"{found['probe_accuracy']:.2f} ({low:.2f} to {high:.2f})",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def ablations(stores: list[Path]) -> str:
    """What switching neurons off changed, class by class, as a Markdown table."""
    lines = [
        "| model, labeling, neurons off | class | clips | accuracy, points (controls) | p "
        "| margin (controls) | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for store in stores:
        for folder in sorted((store / "results").glob("ablate-*")):
            lines += list(rows(Ablation.load(folder)))
    return "\n".join(lines) + "\n"


def rows(ablation: Ablation) -> list[str]:
    """A row for each class whose neurons were switched off."""
    model = ablation.provenance["recording"]["model"]["name"]
    lines = []
    for target in ablation.targets:
        everything = len(target.categories) == len(ablation.classes)
        what = "of all classes" if everything else f"of {', '.join(target.categories)}"
        own = ablation.summary["target"].eq(target.name) & ablation.summary["category"].isin(
            target.categories
        )
        for row in ablation.summary[own].to_dict("records"):
            cells = (
                f"{model}, {ablation.label}, {len(target.neurons)} {what}",
                row["category"],
                str(row["clips"]),
                change(row, "accuracy", 100, ".1f"),
                f"{row['accuracy_p']:.2f}",
                change(row, "margin", 1, ".2f"),
                f"{row['margin_p']:.2f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def change(row: dict, measure: str, scale: float, form: str) -> str:
    before = row[f"{measure}_baseline"]
    target = scale * row[f"{measure}_change"]
    controls = scale * (row[f"{measure}_controls_mean"] - before)
    return f"{target:+{form}} ({controls:+{form}})"


def picture(stores: list[Path]) -> None:
    """The overview of all models and labelings."""
    rows: pd.DataFrame = measure_table(overview_table(collect(stores)))
    axes = plots.overview(rows)
    with replacing(DOCS / "overview.png") as temporary:
        axes[0].figure.savefig(temporary, dpi=110, bbox_inches="tight", facecolor="white")


if __name__ == "__main__":
    main()
