"""The events of the miniature, made in two independent ways."""

import importlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "mini"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def tool(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module", params=("task_events", "task_effects"))
def task(request):
    return tool(request.param)


@pytest.fixture(scope="module")
def clips(task):
    return list(task.clips())


def test_twenty_events_of_twenty_four_recipes_in_four_folds(task, clips):
    table = pd.DataFrame([row for row, _ in clips])
    assert table["event"].value_counts().to_dict() == dict.fromkeys(task.TAXONOMY, 24)
    assert table["recipe"].is_unique
    assert table["clip"].is_unique
    assert (pd.crosstab(table["event"], table["fold"]) == 6).all().all()
    assert pd.Series(task.TAXONOMY).value_counts().tolist() == [4] * 5


def test_every_clip_sounds_and_stays_below_full_scale(clips):
    for row, samples in clips:
        assert samples.shape == (32_000,)
        assert np.isfinite(samples).all(), row["clip"]
        assert np.abs(samples).max() <= 0.95 + 1e-9, row["clip"]
        # A click is kept below full scale, and may so be quieter than the level that was drawn.
        assert -50 < 20 * np.log10(samples.std()) < -15, row["clip"]


def test_three_events_always_have_another_behind_them(clips):
    behind = {(row["event"], row["background"]) for row, _ in clips if row["background"]}
    assert behind == set(tool("task_events").ALWAYS_BEHIND.items())
    assert sum(bool(row["background"]) for row, _ in clips) == 3 * 24


def test_what_is_behind_is_in_the_clip():
    """Without what is behind it, the same clip is another."""
    events = tool("task_events")
    for name in events.ALWAYS_BEHIND:
        samples, behind = events.clip(name, events.EVENTS_SEEDS.start, events.MAKERS, events.NEUTRAL)
        assert behind
        alone = {**events.MAKERS, behind: lambda thing, take, n: np.zeros(n)}
        quiet, _ = events.clip(name, events.EVENTS_SEEDS.start, alone, events.NEUTRAL)
        assert np.abs(samples - quiet * samples.std() / quiet.std()).max() > 1e-3


def test_a_clip_is_the_same_whenever_it_is_made(task, clips):
    events, sources = tool("task_events"), tool("sources")
    first = task is events
    made = events if first else tool("effects")
    seeds = sources.EVENTS_SEEDS if first else sources.EFFECTS_SEEDS
    for number, name in enumerate(sorted(task.TAXONOMY)):
        again, _ = events.clip(name, seeds.start + 1_000 * number + 5, made.MAKERS, made.NEUTRAL)
        np.testing.assert_array_equal(again, clips[24 * number + 5][1], err_msg=name)


def test_the_second_way_uses_nothing_of_the_first():
    effects, events = tool("effects"), tool("task_events")
    source = inspect.getsource(effects)
    assert not any(f"from {other} import" in source for other in ("events", "textures", "people"))
    assert set(effects.MAKERS) == set(events.MAKERS) == set(events.TAXONOMY)
    assert not set(effects.MAKERS.values()) & set(events.MAKERS.values())
    assert not set(effects.NEUTRAL) & set(events.NEUTRAL)
