"""The miniature's notes: balance, no shared recordings, and the pitch, of `synth` too."""

import importlib
import itertools
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

TOOLS = Path(__file__).parents[2] / "tools" / "mini"
FONTS = ("FluidR3_GM", "OPL-3_FM_128M")
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
            "kind": who.soundfont, "source": (who.soundfont, who.program),
            "octave": octave, "velocity": velocity,
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


def test_a_fold_has_six_instruments_of_a_family_and_its_share_of_each_source(planned):
    each = planned.drop_duplicates("instrument")
    assert (pd.crosstab([each["family"], each["fold"]], each["kind"]).sum(axis=1) == 6).all()
    shares = pd.crosstab([each["family"], each["kind"]], each["fold"])
    assert (np.ptp(shares.to_numpy(), axis=1) <= 1).all()
    kinds = pd.crosstab(each["family"], each["kind"])
    assert kinds["FluidR3_GM"].between(3, 4).all()
    assert kinds["OPL-3_FM_128M"].between(7, 8).all()
    assert kinds["own"].between(12, 13).all()


def test_an_instrument_is_one_source(planned):
    """No program and no seed is heard in two instruments; the seeds of our own have no gaps."""
    assert (planned.groupby("source")["instrument"].nunique() == 1).all()
    assert planned["source"].nunique() == planned["instrument"].nunique() == 192
    own = planned[planned["kind"] == "own"]["source"].unique()
    assert sorted(number for _, number in own) == list(range(98))
    task, sources = tool("task_notes"), tool("sources")
    drawn = range(task.OWN_SEEDS, task.OWN_SEEDS + len(own))
    assert drawn.start > sources.NOTES_SEEDS.start + 192  # whose seeds draw the notes
    assert drawn.stop <= sources.NOTES_SEEDS.stop


def test_a_seed_draws_every_parameter_of_an_instrument():
    for family, model in tool("task_notes").MODELS.items():
        one, again, other = (repr(model.drawn(np.random.default_rng(seed))) for seed in (1, 1, 2))
        assert one == again, family
        assert one != other, family


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
        assert len(who.octaves) >= 3, who
        if who.soundfont != task.OWN:
            source = who.soundfont, who.program
            top = min(who.highest, 95) + task.SOUNDS_BELOW.get(source, 0)
            assert top <= max(high for _, high in programs(who.soundfont)[0, who.program].samples.values())


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


def play(family, seed, pitch, force):
    """Two seconds of an instrument of our own."""
    model = tool("task_notes").MODELS[family].drawn(np.random.default_rng(seed))
    key = tool("tones").Key(440 * 2 ** ((pitch - 69) / 12), force, 1.0, 32_000)
    return model.play(key, np.random.default_rng(0))


def test_no_two_of_our_own_sound_the_same():
    """At one key and force their spectra, in thirds of an octave, are over the dB apart that one hears."""
    task = tool("task_notes")
    f, edges = np.fft.rfftfreq(32_000, 1 / 16_000), 125 * 2 ** (np.arange(18) / 3)
    for family in task.MODELS:
        numbers = [
            who.program for who in task.instruments() if (who.family, who.soundfont) == (family, "own")
        ]
        sounds = np.stack([play(family, task.OWN_SEEDS + number, 60, 0.6) for number in numbers])
        power = np.abs(np.fft.rfft(sounds / sounds.std(1, keepdims=True))) ** 2
        bands = [power[:, (f >= low) & (f < 2 ** (1 / 3) * low)].sum(1) for low in edges]
        shapes = 10 * np.log10(np.stack(bands, 1) + 1e-3 * power.mean())
        apart = np.sqrt(((shapes[:, None] - shapes) ** 2).mean(2))[np.triu_indices(len(numbers), 1)]
        assert apart.min() > 1, (family, apart.min())


def centroid(x):
    power = np.abs(np.fft.rfft(x)) ** 2
    return float(power @ np.fft.rfftfreq(len(x), 1 / 16_000) / power.sum())


def test_force_makes_an_instrument_of_our_own_brighter():
    for family in tool("task_notes").MODELS:
        brighter = [
            centroid(play(family, seed, pitch, 0.9)) > centroid(play(family, seed, pitch, 0.3))
            for seed, pitch in itertools.product(range(4), (48, 72))
        ]
        assert np.mean(brighter) > 0.7, family


def test_a_plucked_or_struck_note_fades_and_a_sustained_one_does_not():
    for family, excitation in tool("task_notes").TAXONOMY.items():
        fall = []
        for seed in range(4):
            x = play(family, seed, 72, 0.6)
            fall.append(20 * np.log10(x[1_600:4_800].std() / x[11_200:14_400].std()))
        if excitation in ("struck", "plucked"):
            assert min(fall) > 1.5, family
        else:
            assert np.abs(fall).max() < 3, family


def out_of_tune(pitch, samples):
    """Semitones from a MIDI pitch to the sound: its loudest 0.25 s repeat first at this lag."""
    n = 4_000
    power = np.cumsum(samples**2)
    start = int(np.argmax(power[n:] - power[:-n]))
    window = np.hanning(n)
    spectra = np.abs(np.fft.rfft([samples[start : start + n] * window, window], 1 << 16)) ** 2
    sound, own = np.fft.irfft(spectra)[:, :400]
    lags = np.arange(8, 399, 1 / 16)
    alike = CubicSpline(np.arange(400), sound / own)(lags)
    peaks = np.flatnonzero((alike[1:-1] > alike[:-2]) & (alike[1:-1] >= alike[2:])) + 1
    lag = lags[peaks[alike[peaks] > alike[peaks].max() - 0.06 * sound[0] / own[0]][0]]
    return 12 * np.log2(16_000 / lag / 440) + 69 - pitch


@INSTALLED
@FLUIDSYNTH
def test_notes_have_the_pitch_that_they_name(clips):
    table, samples = clips
    off = table.assign(off=[out_of_tune(p, x) for p, x in zip(table["pitch"], samples, strict=True)])
    right = (off["off"].abs() < 0.6).groupby(off["family"]).mean()
    assert right.pop("mallet") > 0.75  # bells and bars have partials that are no harmonics
    assert right.min() > 0.9
    assert off.groupby("family")["off"].median().abs().max() < 0.15


def test_notes_of_the_synthesiser_have_the_pitch_that_they_name():
    off = pd.DataFrame(
        [
            {"preset": row["preset"], "off": out_of_tune(row["pitch"], samples)}
            for row, samples in tool("task_synth").clips()
        ]
    )
    assert abs(off["off"].median()) < 0.1
    right = off.groupby("preset")["off"].median().abs() < 0.5
    # Two of FM repeat once in two periods (ratio 3.5), three hardly ever (1.41): they are bells.
    assert set(right.index[~right]) == {"fm-01", "fm-02", "fm-04", "fm-07", "fm-11"}


def test_notes_of_our_own_repeat():
    task = tool("task_notes")
    for who in (who for who in task.instruments() if who.soundfont == "own" and who.program % 12 == 0):
        (pitches, sounds), (same, again) = (task.notes(who, (3, 4, 5), 1) for _ in range(2))
        assert pitches == same
        np.testing.assert_array_equal(sounds, again)


@INSTALLED
@FLUIDSYNTH
def test_notes_repeat(clips):
    table, samples = clips
    again = list(itertools.islice(tool("task_notes").clips(), 9))
    assert [row for row, _ in again] == table[:9].to_dict("records")
    np.testing.assert_array_equal(samples[:9], [x for _, x in again])
