"""Steps that are done once: what each has made is kept with the settings that it was made with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope import __version__
from otoscope.errors import OtoscopeError
from otoscope.files import read_json, slug, to_json, write_json

__all__ = ["Refused", "Step", "carry_out"]


@dataclass(frozen=True)
class Step:
    """Something to find out about recordings.

    Attributes:
        name: unlike that of any other step of the study, for people too.
        place: the file or folder that it writes.
        settings: all that its result depends on, as JSON holds it.
        do: finds it out and saves it.
    """

    name: str
    place: Path
    settings: Mapping[str, Any]
    do: Callable[[], object]


@dataclass(frozen=True)
class Refused:
    """A step that could not be done.

    Attributes:
        step: its name.
        reason: why, in a sentence.
    """

    step: str
    reason: str


def carry_out(steps: Iterable[Step], folder: Path) -> list[Refused]:
    """Do the steps that are not done yet; what the data do not allow is left out, and told.

    A step counts as done when its receipt in `folder` has the very settings and what it wrote is there. The
    receipt is written last, so that a step that was interrupted is done again.

    Args:
        steps: in this order.
        folder: of the receipts.

    Returns:
        The steps that could not be done.
    """
    refused = []
    for step in steps:
        receipt = folder / f"{slug(step.name)}.json"
        asked = {"otoscope": __version__, **step.settings}
        if step.place.exists() and _same(receipt, asked):
            continue
        try:
            step.do()
        except OtoscopeError as error:
            # Too few groups in one labeling must not end a study of days. It is tried again the next time.
            refused.append(Refused(step.name, str(error)))
            continue
        write_json(receipt, asked)
    return refused


def _same(receipt: Path, asked: Mapping[str, Any]) -> bool:
    return receipt.is_file() and to_json(read_json(receipt)) == to_json(asked)
