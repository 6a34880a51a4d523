"""What is printed of probes, trainings and servers."""

from typing import TYPE_CHECKING

from rich.text import Text

from otoscope.console.printing import Lines

if TYPE_CHECKING:
    from otoscope.interventions import ProbeScore
    from otoscope.pretraining import PretrainResult


def probe_lines(score: "ProbeScore") -> Lines:
    """A probe's score, with its interval, the other probe's beside it, and what chance gives."""
    for each in (score, *score.beside):
        low, high = each.interval
        yield f"{each.measure} {each.score:.3f} (95 %: {low:.3f} to {high:.3f}), probe {each.probe}"
    yield f"chance {score.chance:.3f}; {score.n} test clips"


def pretraining_lines(result: "PretrainResult") -> Lines:
    """Where a trained model lies and where its loss ended."""
    for key, value in result.document().items():
        yield f"{key}: {value}"


def address_lines(url: str) -> Lines:
    """Where something is served; the address stays in one piece, however narrow the terminal."""
    yield Text(f"open {url}", no_wrap=True, overflow="ignore")
    yield "Ctrl-C ends it"
