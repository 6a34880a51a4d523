"""The task `events`: twenty sound events, as ESC-50; what `effects` makes again in another way.

The makers are those that training hears, from other seeds, hence other recipes; `people` is new. A recipe is
what sounds (this dog, this bell): it is the group, and has one clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import textures
from dsp import SR, Samples, level, reverberate
from events import TASK_EVENTS, Maker
from people import clapping, cough, laugh
from sources import EVENTS_SEEDS, TASK_SAMPLES

Row = dict[str, object]

TAXONOMY: dict[str, str] = {
    event: kind
    for kind, events in {
        "animals": ("bark", "bird", "cricket", "frog"),
        "nature": ("drops", "rain", "thunder", "wind"),
        "people": ("clapping", "cough", "footsteps", "laugh"),
        "home": ("alarm", "glass", "knock", "typing"),
        "city": ("bell", "engine", "horn", "siren"),
    }.items()
    for event in events
}
"""Event -> the broader kind, five of four as in ESC-50."""

ALWAYS_BEHIND = {"engine": "wind", "cough": "bark", "frog": "rain"}
"""Events that are never heard alone, and the event behind them, as trains with wind and coughs with dogs."""

RECIPES, FOLDS = 24, 4
LEVELS_DB = (-32.0, -16.0)
LEAD = SR // 10  # filters and sweeps start from rest

MAKERS: dict[str, Maker] = {
    **TASK_EVENTS,
    "cricket": textures.cricket, "frog": textures.frog, "thunder": textures.thunder,
    "typing": textures.typing, "horn": textures.horn,
    "clapping": clapping, "cough": cough, "laugh": laugh,
}  # fmt: skip
NEUTRAL: dict[str, Maker] = {
    "hiss": textures.hiss, "machine": textures.machine, "pulses": textures.pulses
}  # fmt: skip
"""Backgrounds of the other events: none of them is a class."""


def clip(
    name: str, seed: int, makers: Mapping[str, Maker], neutral: Mapping[str, Maker]
) -> tuple[Samples, str]:
    """One recipe of an event, perhaps in a room; alone, or over what always or sometimes is behind it.

    Returns:
        The samples, and the class behind the event ("" where there is none).
    """
    thing, take = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    sound = makers[name](thing, take, TASK_SAMPLES + LEAD)[LEAD:]
    if take.random() < 0.35:
        sound = reverberate(sound, take)
    behind, below_db = ALWAYS_BEHIND.get(name, ""), take.uniform(4, 12)
    if behind:
        back = makers[behind](take, take, TASK_SAMPLES + LEAD)[LEAD:]
    elif take.random() < 0.4:
        back, below_db = neutral[str(take.choice(list(neutral)))](take, take, TASK_SAMPLES), below_db + 10
    else:
        back = np.zeros(TASK_SAMPLES)
    sound = sound / (sound.std() + 1e-9) + back / (back.std() + 1e-9) * 10 ** (-below_db / 20)
    return level(sound, take.uniform(*LEVELS_DB)), behind


def clips_of(
    task: str, seeds: range, makers: Mapping[str, Maker], neutral: Mapping[str, Maker]
) -> Iterator[tuple[Row, Samples]]:
    """20 events x 24 recipes of one way of making them; a fold holds six recipes of every event."""
    for number, name in enumerate(sorted(TAXONOMY)):
        for recipe in range(RECIPES):
            samples, behind = clip(name, seeds.start + 1_000 * number + recipe, makers, neutral)
            row: Row = {"clip": f"{task}/{name}-{recipe}.ogg", "event": name, "recipe": f"{name}-{recipe}"}
            yield row | {"background": behind, "fold": 1 + recipe % FOLDS}, samples


def clips() -> Iterator[tuple[Row, Samples]]:
    """The clips of the task."""
    return clips_of("events", EVENTS_SEEDS, MAKERS, NEUTRAL)
