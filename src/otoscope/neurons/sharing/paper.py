"""The six figures of shared neurons in the paper, one call each.

Source: Kawamura, Niizumi, Ono 2026, What Do Neurons Listen To? (arXiv:2602.15307).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.probability import Recording
from otoscope.neurons.sharing.orders import OrderName
from otoscope.neurons.sharing.tested import sharing_test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PAPER_FIGURES", "PaperFigure", "paper_figure"]


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Attributes:
        tasks: whose recordings it compares; one for a figure within a task.
        labels: the labeling of each.
        order: of the classes.
        seen: what the paper saw in it.
    """

    tasks: tuple[str, ...]
    labels: tuple[str, ...]
    order: OrderName
    seen: str


PAPER_FIGURES = {
    "octave": PaperFigure(
        ("surge", "nsynth"), ("octave", "octave"), "data set", "the same octave shares neurons"
    ),
    "events": PaperFigure(
        ("esc50", "gise51"),
        ("category", "event"),
        "alphabet",
        "the same or acoustically related events share",
    ),
    "gender": PaperFigure(
        ("voxceleb1", "cremad"), ("gender", "gender"), "data set", "the same gender shares neurons"
    ),
    "genre": PaperFigure(("gtzan",), ("genre",), "dendrogram", "classical shares with jazz"),
    "emotion": PaperFigure(("cremad",), ("emotion",), "dendrogram", "anger shares with happiness"),
    "language": PaperFigure(
        ("voxforge",), ("language",), "taxonomy", "Germanic languages share, and Romance ones"
    ),
}
"""The figures by name."""


def paper_figure(
    name: str,
    store: Recording,
    other: Recording | None = None,
    *,
    label: str | None = None,
    other_label: str | None = None,
    permutations: int = 200,
    seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a figure of the paper from recordings: shared neurons, a star where they are more than chance.

    Args:
        name: "octave" (surge and nsynth), "events" (esc50 and gise51), "gender" (voxceleb1 and cremad),
            "genre" (gtzan), "emotion" (cremad) or "language" (voxforge).
        store: a recording of the first of these tasks.
        other: one of the second, by the same model.
        label: a labeling of `store` in place of the paper's; then the recording may be of any task.
        other_label: the same of `other`.
        permutations: behind the tests; see `sharing_test`.
        seed: of the permutations.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: an unknown name, or one recording where two are compared, or two where one is.
        OtoscopeError: a recording of another task without a labeling given, or of another model.
    """
    if name not in PAPER_FIGURES:
        raise UsageError(f"figure {name!r} not found; expected one of {', '.join(PAPER_FIGURES)}")
    figure = PAPER_FIGURES[name]
    stores = [each for each in (store, other) if each is not None]
    if len(stores) != len(figure.tasks):
        raise UsageError(
            f"figure {name!r} was given {len(stores)} recordings; expected {len(figure.tasks)}: of "
            f"{' and '.join(figure.tasks)}"
        )
    given = (label, other_label)
    labels = [
        own or _label(name, each, task, usual)
        for each, task, usual, own in zip(stores, figure.tasks, figure.labels, given, strict=False)
    ]
    sharing = sharing_test(
        store,
        labels[0],
        other,
        labels[-1] if other is not None else None,
        permutations=permutations,
        seed=seed,
    )
    taxonomy = store.labeling(labels[0]).taxonomy
    # A recording of one's own may have no broader classes.
    order: OrderName = "dendrogram" if figure.order == "taxonomy" and not taxonomy else figure.order
    drawn = sharing.plot(ax, order=order, taxonomy=taxonomy)
    tasks = [str(each.info.get("task", {}).get("name", "")) for each in stores]
    drawn.set_title(f"{name}: {' x '.join(tasks)}", parse_math=False)
    return drawn


def _label(name: str, store: Recording, task: str, usual: str) -> str:
    """The paper's labeling, if the recording is of the paper's task."""
    found = str(store.info.get("task", {}).get("name", ""))
    if found != task:
        raise OtoscopeError(
            f"figure {name!r} is of {task} by {usual!r}, and the recording is of the task {found!r}; "
            f"expected a recording of {task}; try naming a labeling of this one (label=..., other_label=...)"
        )
    return usual
