"""The composed styles of the miniature."""

import importlib
import shutil
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


@pytest.fixture(scope="module")
def genres():
    return importlib.import_module("task_genres")


def test_the_styles_are_those_of_gtzan(genres):
    assert sorted(genres.STYLES) == [
        "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"
    ]  # fmt: skip


def test_no_player_was_heard_in_training(genres):
    sources = importlib.import_module("sources")
    trained = {program for group in sources.TRAINING_PROGRAMS.values() for program in group}
    for name, style in genres.STYLES.items():
        assert not trained & {*style.chords, *style.melody}, name


def test_no_style_has_all_its_players_to_itself(genres):
    for name, style in genres.STYLES.items():
        others = {p for other, s in genres.STYLES.items() if other != name for p in (*s.chords, *s.melody)}
        assert others & {*style.chords, *style.melody}, name


def test_notes_fall_on_the_sixteenths_of_the_tempo(genres):
    """On paper: at 120 a minute a sixteenth lasts an eighth of a second; swing moves only off-beats."""
    style = genres.STYLES["disco"]
    piece = genres.Piece(style, 0, 120.0, 4, 0.0, style.progressions[0])
    assert piece.bar == 2.0
    assert piece.bars == 4
    rng = np.random.default_rng(0)
    for note in genres.chords(piece, rng) + genres.melody(piece, rng):
        assert note.start * 8 == pytest.approx(round(note.start * 8))
        assert 0 <= note.start < piece.bars * piece.bar
        assert 0 <= note.pitch <= 127
    assert [when for when, _, _ in genres.bass(piece, rng)] == sorted(
        {w for w, _, _ in genres.bass(piece, rng)}
    )
    swung = genres.Piece(style, 0, 120.0, 4, 0.25, style.progressions[0])
    assert swung.at(0, 4) == piece.at(0, 4) == 0.5
    assert swung.at(0, 2) - piece.at(0, 2) == pytest.approx(0.25 * 30 / 120)


def test_a_piece_is_the_same_whenever_it_is_composed(genres):
    style = genres.STYLES["jazz"]
    one, other = (genres.composed(style, 1_600_000_123) for _ in range(2))
    assert one[:2] == other[:2]
    assert len(one[2]) == len(other[2])
    for mine, yours in zip(one[2], other[2], strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_clips_are_balanced_and_sound(genres, monkeypatch):
    if (
        shutil.which("fluidsynth") is None
        or not Path(importlib.import_module("instruments").SOUNDFONT).is_file()
    ):
        pytest.skip("fluidsynth or its soundfont is not installed")
    monkeypatch.setattr(genres, "PIECES", 4)
    clips = list(genres.clips())
    table = pd.DataFrame([row for row, _ in clips])
    assert (pd.crosstab(table["genre"], table["fold"]) == 1).all().all()
    assert table["piece"].is_unique
    assert not table["tempo"].groupby(table["genre"]).nunique().eq(1).all()
    for row, samples in clips:
        assert samples.shape == (64_000,), row["clip"]
        assert np.abs(samples).max() <= 0.95 + 1e-9
        assert -45 < 20 * np.log10(samples.std()) < -15, row["clip"]
