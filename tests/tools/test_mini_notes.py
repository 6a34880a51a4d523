"""The miniature's notes: balance, instruments that share no recording, and that each sounds at its pitch."""

import importlib
import itertools
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "mini"
FONTS = ("FluidR3_GM", "sf_GMbank", "OPL-3_FM_128M")
INSTALLED = pytest.mark.skipif(
    not all(Path("/usr/share/sounds/sf2", f"{font}.sf2").exists() for font in FONTS),
    reason="the soundfonts of the task are not installed",
)
FLUIDSYNTH = pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not installed")


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def tool(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def planned(on_path):
    """One row a note, without its sound."""
    task = tool("task_notes")
    chosen = task.instruments()
    rows = [
        {
            "family": who.family, "instrument": who.name, "fold": who.fold,
            "source": (who.soundfont, who.program), "octave": octave, "velocity": velocity,
        }
        for who, triple in zip(chosen, task.octaves(chosen), strict=True)
        for octave, velocity in zip(triple, task.VELOCITIES, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def clips(on_path):
    """All clips: their table and their samples."""
    rows, samples = zip(*tool("task_notes").clips(), strict=True)
    return pd.DataFrame(list(rows)), np.stack(samples)


def test_families_octaves_and_velocities_are_balanced(planned):
    assert len(planned) == 576
    assert (planned.groupby("family")["instrument"].nunique() == 24).all()
    assert set(planned["family"]) == set(tool("task_notes").TAXONOMY)
    assert (planned.groupby("instrument")["octave"].nunique() == 3).all()
    assert (planned.groupby("instrument")["velocity"].nunique() == 3).all()
    for other in ("family", "velocity"):
        table = pd.crosstab(planned[other], planned["octave"])
        assert np.ptp(table.to_numpy()) <= 2
    assert (pd.crosstab(planned["fold"], planned["octave"]) >= 20).all().all()


def test_a_fold_has_six_instruments_of_a_family_and_a_program_one_fold(planned):
    assert (planned.groupby(["family", "fold"])["instrument"].nunique() == 6).all()
    assert (planned.groupby("source")["fold"].nunique() == 1).all()
    assert (planned.groupby("source")["family"].nunique() == 1).all()
    assert planned.groupby("family")["source"].nunique().between(14, 19).all()


@INSTALLED
def test_no_sample_is_heard_in_two_instruments_or_in_training():
    task, programs = tool("task_notes"), tool("soundfonts").programs
    trained = {p for group in tool("sources").TRAINING_PROGRAMS.values() for p in group}
    heard = {
        sample
        for (bank, number), program in programs("FluidR3_GM").items()
        if bank == 128 or (bank == 0 and number in trained)
        for sample in program.samples
    }
    assert len(heard) > 500
    for family, fonts in task.PROGRAMS.items():
        for font, numbers in fonts.items():
            for number in numbers:
                own = set(programs(font)[0, number].samples)
                assert own, (font, number)
                assert not own & heard, (family, font, number)
                heard |= own


@INSTALLED
def test_no_instrument_is_asked_for_keys_that_its_program_lacks():
    task, programs = tool("task_notes"), tool("soundfonts").programs
    for who in task.instruments():
        source = who.soundfont, who.program
        top = min(who.highest, 95) + max(task.SHIFTS) * who.second + task.SOUNDS_BELOW.get(source, 0)
        assert top <= max(high for _, high in programs(who.soundfont)[0, who.program].samples.values()), who
        assert len(who.octaves) >= 3, who


@INSTALLED
def test_the_reader_finds_what_a_soundfont_is_known_to_hold():
    fluid = tool("soundfonts").programs("FluidR3_GM")
    assert fluid[0, 0].name == "Yamaha Grand Piano"
    assert fluid[0, 0].samples.keys() == fluid[0, 1].samples.keys()  # the bright piano is the same one
    assert not fluid[0, 0].samples.keys() & fluid[0, 4].samples.keys()
    assert max(high for _, high in fluid[0, 43].samples.values()) == 57  # where the contrabass ends
    assert fluid[128, 0].name == "Standard"


@INSTALLED
@FLUIDSYNTH
def test_every_note_sounds_below_full_scale(clips):
    table, samples = clips
    assert table["clip"].is_unique
    assert (table["pitch"] // 12 - 1 == table["octave"]).all()
    assert samples.shape == (576, 32_000)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 0.95 + 1e-6
    level = 20 * np.log10(samples.std(1))
    assert level.min() > -70, table.loc[level.argmin(), "clip"]
    assert np.median(level) == pytest.approx(-25, abs=5)


@INSTALLED
@FLUIDSYNTH
def test_velocity_is_heard_as_loudness_within_an_instrument(clips):
    table, samples = clips
    level = table.assign(level=20 * np.log10(samples.std(1))).pivot(
        index="instrument", columns="velocity", values="level"
    )
    assert ((level["medium"] >= -45) & (level["medium"] <= -18 + 1e-3)).all()
    assert (level["loud"] > level["soft"]).mean() > 0.9


@INSTALLED
@FLUIDSYNTH
def test_notes_have_the_pitch_that_they_name(clips):
    """The power of a note lies on the harmonics of its pitch, and not only on those of the octave above."""
    table, samples = clips
    spectra = np.abs(np.fft.rfft(samples * np.hanning(32_000), 1 << 16)) ** 2
    hz = np.arange(spectra.shape[1]) * 16_000 / (1 << 16)
    shares = []
    for pitch, spectrum in zip(table["pitch"], spectra, strict=True):
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        near = np.abs(hz - np.round(hz / f0) * f0) < np.minimum(4 + 0.03 * hz, f0 / 6)  # half a semitone
        shares.append(spectrum[near & (hz > f0 / 2)].sum() / spectrum.sum())
    assert table.assign(share=shares).groupby("family")["share"].median().min() > 0.9
    pitched = table.assign(share=shares).query("family != 'mallet'")
    assert (pitched.groupby("instrument")["share"].median() > 0.6).mean() > 0.97


@INSTALLED
@FLUIDSYNTH
def test_notes_repeat(clips):
    table, samples = clips
    again = list(itertools.islice(tool("task_notes").clips(), 9))
    assert [row for row, _ in again] == table[:9].to_dict("records")
    np.testing.assert_array_equal(samples[:9], [x for _, x in again])
