"""Write the page "Evidence" and the README's claims from a finished miniature study.

    python tools/docs_evidence.py results     # the table, the figure and the page; `make results` does it
    python tools/docs_evidence.py             # the page again, from the table in docs/results/evidence.csv
    python tools/docs_evidence.py --readme    # the README's claims, from the same table

No figure and no verdict in them is typed by hand. The claims stand between two marks in the README.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from otoscope.drawing import CONTROL, SERIES, finish
from otoscope.errors import OtoscopeError
from otoscope.files import replacing
from otoscope.neurons.evidence.surviving import ALPHA, verdicts
from otoscope.reporting.collect import collect
from otoscope.reporting.findings import RECOMMENDED, findings
from otoscope.reporting.overview import overview_table

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "results" / "evidence.csv"
FIGURE = TABLE.with_suffix(".png")
PAGE = ROOT / "docs" / "evidence.md"
README = ROOT / "README.md"
BEGIN = "<!-- claims: written by tools/docs_evidence.py --readme -->"
END = "<!-- end of claims -->"

_WORDS = ("model", "task", "label", "preset", "refused", "twins", "twins_coverage", "design", "distinct")
_LEFT_OUT = ["store", "pairs"]
_HEAD = """# Evidence on the miniature

What of the class-specific neurons survives which baseline, for every labeling and model of the study that
`make results` runs. The page is written by `tools/docs_evidence.py` from that run, verdicts included; the
table behind it is [evidence.csv](results/evidence.csv). The models and the audio come with the package: this
shows what the tool can and cannot see, and says nothing about models trained on real audio. [What the
numbers mean](concepts.md) explains the words.
"""
_TABLE_TEXT = f"""## Every labeling and model

*Found*: class-specific neurons; in brackets their mean number under permuted labels, and their numbers in the
twins. *Unseen clips*: AUROC of the neurons for their classes on clips that the choice has not seen; in
brackets the best twin's own. *Halves*: Jaccard index of the choices on two halves of the groups; in brackets
the same under permuted labels. *Survives* names the baselines that a selection passes, those that it does
not, and those that are open for want of data:

- *permuted labels*: for `{RECOMMENDED}`, a number of neurons with p of at most {ALPHA}; for the filters,
  whose number is fixed, a depth with p of at most {ALPHA};
- *twins*: an AUROC on unseen clips above that of every twin, by the interval of the difference; for
  `{RECOMMENDED}` also more neurons than every twin has (the filters keep as many in each);
- *unseen clips*: an AUROC above 0.5, by its interval;
- *other halves*: a Jaccard index above the largest of 19 relabelings.

Where half of the groups are too few for `{RECOMMENDED}` to choose by, unseen clips and halves are not tested.
An untrained model has no twins: it is what the others are held against. Verdicts are those of single
selections, not corrected for how many there are.
"""
_AGAIN = """## Run it

```sh
make results     # an hour or two on two cores; the report opens at results/report/index.html
```

On your own data, [how to say how sure one can be](howto.md#say-how-sure-one-can-be).
"""


def main() -> None:
    """Do what the command line asks for."""
    given = sys.argv[1:]
    if given == ["--readme"]:
        write(README, with_claims(README.read_text(encoding="utf-8"), read()))
        return
    if given:
        stores = sorted((Path(given[0]) / "stores").glob("*.zarr"))
        overview = overview_table(collect(stores)).drop(columns=_LEFT_OUT)
        with replacing(TABLE) as temporary:
            overview.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
        draw(read())
    write(PAGE, page(read()))


def read() -> pd.DataFrame:
    """The committed table: words as words, and figures as figures."""
    table = pd.read_csv(TABLE, dtype=str, keep_default_na=False)
    figures = [name for name in table.columns if name not in _WORDS]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in figures})


def write(path: Path, text: str) -> None:
    """Write a file as a whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(table: pd.DataFrame) -> str:
    """The page, in Markdown."""
    rows = table[table["preset"] != ""]
    parts = [_HEAD, "## In short\n", bullets(claims(table)), _FIGURE, _TABLE_TEXT, survivors(rows), _AGAIN]
    return "\n".join(parts)


_FIGURE = """
![Neurons of the trained models and of their twins, by labeling](results/evidence.png)
"""


def bullets(sentences: list[str]) -> str:
    """Sentences as a list."""
    return "".join(f"- {sentence}\n" for sentence in sentences)


def with_claims(readme: str, table: pd.DataFrame) -> str:
    """The README with its claims written anew."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise OtoscopeError(
            f"README.md lacks the lines {BEGIN!r} and {END!r}; expected both; try adding them"
        )
    return f"{before}{BEGIN}\n{bullets(claims(table))}{END}{after}"


def claims(table: pd.DataFrame) -> list[str]:
    """The report's findings on neurons, in its own words."""
    return findings(table.assign(probe=np.nan))


def survivors(rows: pd.DataFrame) -> str:
    """One row a labeling, model and preset: what is found, and what it survives."""
    head = "task, labeling | model | preset | found | unseen clips | halves | survives"
    lines = [f"| {head} |", "|" + "---|" * len(head.split(" | "))]
    for row in rows.to_dict("records"):
        name = [f"{row['task']}, {row['label']}", row["model"], row["preset"]]
        if row["refused"]:
            lines.append(f"| {' | '.join([*name, '', '', '', 'refused, for want of groups'])} |")
            continue
        cells = [
            f"{row['neurons']:.0f} ({row['neurons_chance']:.3g}; {row['twins']})",
            pair(row["held_out"], row["held_out_twins_most"], ".2f"),
            pair(row["stability"], row["stability_chance"], ".2g"),
            verdict(row),
        ]
        lines.append(f"| {' | '.join([*name, *cells])} |")
    return "\n".join(lines) + "\n"


def pair(value: float, other: float, form: str) -> str:
    """A figure, and in brackets its baseline."""
    if np.isnan(value):
        return "not tested"
    return f"{value:{form}}" + ("" if np.isnan(other) else f" ({other:{form}})")


def verdict(row: dict) -> str:
    """The baselines that a selection survives, those that it does not, and those that are open."""
    judged = verdicts(row)
    named = {
        words: ", ".join(name for name, holds in judged.items() if holds is verdict)
        for verdict, words in ((True, ""), (False, "not: "), (None, "open: "))
    }
    return "; ".join(f"{words}{names}" for words, names in named.items() if names)


def draw(table: pd.DataFrame) -> None:
    """Trained models against their twins: neurons that `specific` finds, and AUROC on unseen clips."""
    from matplotlib.figure import Figure

    trained = table[table["twins_most"].notna()]
    keys = ["task", "label", "model"]
    order = trained[keys].drop_duplicates()
    canvas = Figure(figsize=(10, 1.6 + 0.36 * len(order)), layout="constrained")
    panels = canvas.subplots(1, 2, sharey=True)
    place = np.arange(len(order))
    for ax, (preset, measure, twin, title) in zip(panels, _PANELS, strict=True):
        rows = order.merge(trained[trained["preset"] == preset], on=keys, how="left")
        ax.hlines(place, rows[measure], rows[twin], color=CONTROL, linewidth=1.5)
        ax.scatter(rows[twin], place, 50, color=CONTROL, label="best of its twins", zorder=2)
        ax.scatter(rows[measure], place, 50, color=SERIES[0], label="trained", zorder=3)
        ax.set_title(title, fontsize="medium")
        ax.set_yticks(place, [f"{row.task}, {row.label} · {row.model}" for row in rows.itertuples()])
        ax.margins(x=0.06)
        finish(ax, grid="x", legend=0)
    panels[0].invert_yaxis()
    panels[1].axvline(0.5, color=CONTROL, linestyle=":")
    handles, names = panels[0].get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    with replacing(FIGURE) as temporary:
        canvas.savefig(temporary, dpi=110, facecolor="white", format="png")


_PANELS = (
    (RECOMMENDED, "neurons", "twins_most", "neurons that specific finds"),
    ("aape", "held_out", "held_out_twins_most", "AUROC of aape's neurons on unseen clips"),
)

if __name__ == "__main__":
    main()
