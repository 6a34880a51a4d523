"""A finding, and the rules by which it agrees with the paper or not: written before any study was run.

    interval    agrees where the 95 % interval lies wholly on the paper's side of what would be no effect,
                disagrees where it lies wholly on the other side
    test        agrees where p <= 0.05 and the effect has the paper's sign. A one-sided test cannot disagree:
                what was not found may yet be there. A two-sided one disagrees where p <= 0.05 and the sign
                is the other

What is neither cannot be told, and so is what was not measured, or has fewer than 100 distinct permutations.
"""

from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["AGREES", "CANNOT_TELL", "DISAGREES", "Finding", "by_interval", "by_p", "untold"]

AGREES: "Verdict" = "agrees"
DISAGREES: "Verdict" = "disagrees"
CANNOT_TELL: "Verdict" = "cannot tell"
ALPHA = 0.05

Verdict = Literal["agrees", "disagrees", "cannot tell"]
_NONE = float("nan")


@dataclass(frozen=True)
class Finding:
    """One of the paper's findings on one model of a study.

    Attributes:
        question: RQ1, RQ2 or RQ3.
        finding: a short name.
        claim: what the paper saw, one sentence with its source.
        model: name of the model in the study, or of both that are compared.
        here: what this study shows, one sentence.
        value: the effect; NaN where nothing was measured, as are the following.
        low: lower end of its 95 % interval.
        high: upper end.
        chance: what chance gives.
        p: of the test.
        n: how many classes, pairs, labelings or control sets it rests on.
        verdict: agrees, disagrees or cannot tell.
        why: the rule of the verdict in words.
        tables: the file that holds the numbers, within the study's folder.
    """

    question: str
    finding: str
    claim: str
    model: str
    here: str = ""
    value: float = _NONE
    low: float = _NONE
    high: float = _NONE
    chance: float = _NONE
    p: float = _NONE
    n: int = 0
    verdict: Verdict = CANNOT_TELL
    why: str = ""
    tables: str = ""


def untold(finding: Finding, reason: str) -> Finding:
    """The finding where nothing can be told, and why."""
    return replace(finding, here=f"cannot tell: {reason}", verdict=CANNOT_TELL, why=reason)


def by_interval(low: float, high: float, none: float = 0.0, sign: int = 1) -> Verdict:
    """Where an interval lies, seen from no effect; the paper's side is above it, or below with `sign` -1.

    >>> by_interval(0.1, 0.3), by_interval(-0.3, -0.1), by_interval(-0.1, 0.3)
    ('agrees', 'disagrees', 'cannot tell')
    """
    low, high = sorted((sign * (low - none), sign * (high - none)))
    return AGREES if low > 0 else DISAGREES if high < 0 else CANNOT_TELL


def by_p(effect: float, p: float | None, sign: int = 1, two_sided: bool = False) -> Verdict:
    """What a test says of an effect, which is a difference from chance.

    >>> by_p(0.2, 0.01), by_p(-0.2, 0.01), by_p(-0.2, 0.01, two_sided=True), by_p(0.2, None)
    ('agrees', 'cannot tell', 'disagrees', 'cannot tell')
    """
    if p is None or not p <= ALPHA:  # NaN: no test
        return CANNOT_TELL
    if sign * effect > 0:
        return AGREES
    return DISAGREES if two_sided and sign * effect < 0 else CANNOT_TELL
