"""Write the documentation's results from a finished miniature study.

    python tools/mini/results.py results     # `make results` does it

Makes docs/results/summary.md (one row per task, labeling and model), docs/results/ablation.md, the page
docs/results/paper.md with its tables and pictures, and the README's picture, docs/results/overview.png. No
figure in the documentation is typed by hand.
"""

import sys
from pathlib import Path

import pandas as pd

from otoscope import plots
from otoscope.files import read_json, replacing, slug
from otoscope.interventions import Ablation
from otoscope.interventions.effects.overlap import MOST_SHARED
from otoscope.interventions.effects.verdicts import ALPHA
from otoscope.neurons import Sharing
from otoscope.reporting.collect import collect
from otoscope.reporting.overview import measure_table, overview_table
from otoscope.study.page import write_page
from otoscope.study.places import across_of, store_of, stores_of, within_of
from otoscope.study.plan import Study

DOCS = Path(__file__).parents[2] / "docs" / "results"
MEASURES = {"neurons": ".0f", "coverage": ".2f", "depth": ".3f"}


def main() -> None:
    study = Path(sys.argv[1])
    write("summary.md", summary(read_json(study / "study.json")["results"]))
    stores = sorted((study / "stores").glob("*.zarr"))
    write("ablation.md", ablations(stores))
    picture(stores)
    paper(study)


def paper(study: Path) -> None:
    """The paper in small, with the matrices of what classes share for the self-supervised model."""
    plan = Study.model_validate(read_json(study / "plan.json"))
    pictures = {}
    for model in (name for name, entry in plan.models.items() if entry.role == "self-supervised"):
        for title, place in matrices(plan, study, model).items():
            if (place / "sharing.json").is_file():
                pictures[f"{title}, {model}"] = f"paper-{model}-{slug(title)}.png"
                save(Sharing.load(place).plot(), pictures[f"{title}, {model}"])
    write_page(plan, study, DOCS, pictures)


def matrices(plan: Study, study: Path, model: str) -> dict[str, Path]:
    """Where what classes share lies: across tasks, then within."""
    across = {
        f"{one} beside {other}": across_of(study, model, one, other) for one, other in plan.sharing.across
    }
    within = {
        f"{task}:{label}": store_of(study, model, task) / "results" / f"share-{slug(label)}"
        for task, label in within_of(plan, stores_of(plan, study), model)
    }
    return across | within


def save(axes, name: str) -> None:
    """A picture without the date or the version of what drew it, so that equal numbers give equal bytes."""
    with replacing(DOCS / name) as temporary:
        axes.figure.savefig(
            temporary,
            dpi=110,
            bbox_inches="tight",
            facecolor="white",
            format="png",
            metadata={"Software": None},
        )


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
    lines += [summary_row(each) for each in sorted(results, key=lambda each: (each["task"], each["label"]))]
    return "\n".join(lines) + "\n"


def summary_row(found: dict) -> str:
    """One labeling as one model hears it; what was refused or has no value has a dash."""
    chance, probe = found.get("chance") or {}, found["probe"]
    p = (chance.get("depth") or {}).get("p")
    cells = (
        f"{found['task']}, {found['label']}",
        found["model"],
        *(beside(found, chance, name, form) for name, form in MEASURES.items()),
        "no test" if p is None else f"{p:.3f}",
        "-" if probe is None else number(found["probe_accuracy"], ".2f", *probe["interval"]),
    )
    return f"| {' | '.join(cells)} |"


def beside(found: dict, chance: dict, name: str, form: str) -> str:
    """A value with that of chance in brackets."""
    mean = (chance.get(name) or {}).get("mean")
    return f"{number(found.get(name), form)} ({number(mean, form)})"


def number(value: float | None, form: str, low: float | None = None, high: float | None = None) -> str:
    if value is None:
        return "-"
    interval = "" if low is None or high is None else f" ({low:{form}} to {high:{form}})"
    return f"{value:{form}}{interval}"


def ablations(stores: list[Path]) -> str:
    """What switching neurons off changed, class by class beside control sets, as a Markdown table."""
    lines = [
        "| model, task, labeling, neurons off | class | clips | accuracy, points (controls) | p, all classes "
        "| margin (controls) | p, all classes |",
        "|---|---|---|---|---|---|---|",
    ]
    for store in stores:
        for folder in sorted((store / "results").glob("ablate-*")):
            ablation = Ablation.load(folder)
            if ablation.primary:
                lines += list(rows(ablation))
    return "\n".join(lines) + "\n"


def rows(ablation: Ablation) -> list[str]:
    """A row for each class whose neurons were switched off; series left out."""
    recording = ablation.provenance["recording"]
    model, task = recording["model"]["name"], recording["task"]["name"]
    summary = ablation.summary.set_index(["target", "category"])
    shared = ablation.against.query("match == @ablation.primary").groupby("target")["shared"].first()
    lines = []
    for target in ablation.targets:
        for category in () if target.series else target.categories:
            row = summary.loc[target.name, category]
            cells = (
                f"{model}, {task}, {ablation.label}, {target.name} ({len(target.neurons)})",
                category,
                f"{row['clips']:.0f}",
                change(row, "accuracy", 100, ".1f"),
                p_value(row["accuracy_p_adjusted"], shared[target.name]),
                change(row, "margin", 1, ".2f"),
                p_value(row["margin_p_adjusted"], shared[target.name]),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def p_value(p: float, shared: float) -> str:
    """A p, with a question mark if it is small and control sets share too many neurons for it."""
    return f"{p:.3f}" + ("?" if p <= ALPHA and shared > MOST_SHARED else "")


def change(row: pd.Series, measure: str, scale: float, form: str) -> str:
    target = scale * row[f"{measure}_change"]
    controls = scale * (row[f"{measure}_controls_mean"] - row[f"{measure}_baseline"])
    return f"{target:+{form}} ({controls:+{form}})"


def picture(stores: list[Path]) -> None:
    """The overview of all models and labelings."""
    rows: pd.DataFrame = measure_table(overview_table(collect(stores)))
    # The filters keep the same number of neurons everywhere: a column of equal marks says nothing.
    rows = rows[rows.groupby("measure")["value"].transform("nunique") > 1]
    axes = plots.overview(rows)
    save(axes[0], "overview.png")


if __name__ == "__main__":
    main()
