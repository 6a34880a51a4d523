"""New labels for a recording whose audio is gone: looked up in a table, kept beside the data."""

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from recorded import data_files
from toy_audio_model import FRAME, ToyModel
from typer.testing import CliRunner

import otoscope
from otoscope.activations import open_store, record, relabel
from otoscope.cli import app
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks import Labeling, Task, TaskError

N = 24
SPEAKERS = [f"id{number // 3}" for number in range(N)]  # eight speakers of three clips
PITCHES = [60.0 + number % 4 * 12 if number else None for number in range(N)]  # a fraction: one is missing
EMOTIONS = ["ANG", "SAD", "HAP", "NEU"] * (N // 4)
SOUNDS = [["dog", "rain"] if number % 2 else ["rain"] if number % 3 else ["car"] for number in range(N)]


@pytest.fixture
def store(write_clips, tmp_path):
    """A recording; its audio is deleted."""
    toy = write_clips([6 * FRAME] * N)
    clips = toy.clips.assign(
        speaker=SPEAKERS,
        pitch=PITCHES,
        emotion=EMOTIONS,
        sound=SOUNDS,
        take=[number % 3 for number in range(N)],
        half=["train" if number < N // 2 else "test" for number in range(N)],
    )
    labelings = (
        Labeling.of(clips, "emotion", group="speaker", split="half"),
        Labeling.of(clips, "speaker", group="take"),
        Labeling.of(clips, "pitch", group="speaker", split="half"),
        Labeling.of(clips, "sound", multilabel=True),
        Labeling.of(clips, "take"),
    )
    store = record(ToyModel(), Task("toy", clips, labelings), tmp_path / "x.zarr")
    shutil.rmtree(tmp_path / "sounds")
    return store


@pytest.fixture
def table(tmp_path):
    """Write a CSV from rows of cells, the first of them its header."""

    def write(*rows, name="table.csv"):
        path = tmp_path / name
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


COUNTRIES = [("speaker", "country")] + [(f"id{n}", ["Norway", "Chile", "Peru"][n % 3]) for n in range(8)]
AROUSAL = [("emotion", "arousal"), ("ANG", "high"), ("HAP", "high"), ("SAD", "low"), ("NEU", "low")]


class TestLooking:
    def test_countries_from_speakers(self, store, table):
        country = relabel(store, table(*COUNTRIES)).labeling("country")
        assert country == Labeling(
            "country", "country", ("Chile", "Norway", "Peru"), group="speaker", split="half"
        )
        looked_up = dict(COUNTRIES[1:])
        assert open_store(store.path).clips["country"].tolist() == [looked_up[each] for each in SPEAKERS]

    def test_octaves_from_pitches(self, store, table):
        again = relabel(store, table(("pitch", "octave"), (60, 4), (72, 5), (84, 6), ("96", 7)))
        octave = again.labeling("octave")
        assert (octave.classes, octave.group, octave.split) == (("4", "5", "6", "7"), "speaker", "half")
        assert octave.labels(again.clips)[:3] == [[], ["5"], ["6"]]

    def test_arousal_from_emotions(self, store, table):
        arousal = relabel(store, table(*AROUSAL)).labeling("arousal")
        assert (arousal.classes, arousal.group, arousal.split) == (("high", "low"), "speaker", "half")

    def test_an_index_that_was_saved_along_is_no_label(self, store, table):
        rows = [(number, *row) for number, row in enumerate(AROUSAL[1:])]
        again = relabel(store, table(("", *AROUSAL[0]), *rows), on="emotion")
        assert list(again.labelings)[5:] == ["arousal"]

    def test_by_the_names_of_clips(self, store, table):
        rows = [(f"{n:04d}.wav", "a" if n < 5 else "b") for n in range(N)]
        again = relabel(store, table(("clip", "new"), *rows))
        assert again.clips["new"].tolist() == ["a"] * 5 + ["b"] * (N - 5)
        assert again.labeling("new").group == "speaker"  # of the first labeling

    def test_several_labels_lead_to_several(self, store, table):
        again = relabel(store, table(("sound", "class"), ("dog", "animal"), ("rain", "nature"), ("car", "")))
        kind = again.labeling("class")
        assert (kind.multilabel, kind.group, kind.classes) == (True, None, ("animal", "nature"))
        assert kind.labels(again.clips)[:3] == [[], ["animal", "nature"], ["nature"]]

    def test_several_labels_in_a_cell(self, store, table):
        rows = [("emotion", "words"), ("ANG", "loud; fast"), ("HAP", "fast"), ("SAD", "slow"), ("NEU", "")]
        again = relabel(store, table(*rows), separator=";")
        assert again.labeling("words").labels(again.clips)[:4] == [["loud", "fast"], ["slow"], ["fast"], []]

    def test_commas_in_a_cell(self, store, table):
        rows = [
            ("emotion", "words"),
            ("ANG", '"loud, fast"'),
            ("HAP", "fast"),
            ("SAD", '"slow,fast"'),
            ("NEU", "loud"),
        ]
        again = relabel(store, table(*rows))
        assert again.labeling("words").labels(again.clips)[:2] == [["loud", "fast"], ["slow", "fast"]]
        once = relabel(store, table(*rows[:2], ("HAP", '"loud, fast"'), *rows[3:]), separator="")
        assert once.labeling("words").classes == ("loud", "loud, fast", "slow,fast")

    @pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
    def test_lists_in_a_table(self, store, tmp_path, suffix):
        frame = pd.DataFrame(
            {"emotion": ["ANG", "HAP", "SAD", "NEU"], "words": [["a", "b"], ["a"], ["b"], []]}
        )
        path = tmp_path / f"table.{suffix}"
        if suffix == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_json(path, orient="records", lines=True)
        again = relabel(store, path)
        assert again.labeling("words").labels(again.clips)[:4] == [["a", "b"], ["b"], ["a"], []]

    def test_columns_that_were_asked_for(self, store, table):
        rows = [("x", "emotion", "arousal", "valence"), (1, "ANG", "+", "-"), (2, "HAP", "+", "+")]
        rows += [(3, "SAD", "-", "-"), (4, "NEU", "-", "+")]
        path = table(*rows)
        assert list(relabel(store, path, on="emotion", labels=["valence"]).labelings)[5:] == ["valence"]
        assert list(relabel(store, path, "emotion", labels=["x", "arousal"]).labelings)[5:] == [
            "arousal",
            "valence",
            "x",
        ]

    def test_groups_and_splits_that_were_asked_for(self, store, table):
        again = relabel(store, table(*AROUSAL), group="take", split="take")
        assert (again.labeling("arousal").group, again.labeling("arousal").split) == ("take", "take")

    def test_a_split_that_cuts_through_a_group_is_not_taken(self, store, table):
        rows = [("speaker", "team"), *((f"id{n}", "ab"[n % 2]) for n in range(8))]
        assert relabel(store, table(*rows)).labeling("team").split == "half"
        path = store.path / "clips.parquet"
        pd.read_parquet(path).assign(half=["train", "test"] * (N // 2)).to_parquet(path)
        assert relabel(store, table(*rows)).labeling("team").split is None

    def test_what_has_no_group_is_its_own(self, store, table):
        assert (
            relabel(store, table(("take", "first"), (0, "yes"), (1, "no"), (2, "no"))).labeling("first").group
            == "take"
        )


class TestKeeping:
    def test_what_was_recorded_stays(self, store, table):
        names = ("plan.json", "clips.parquet", "zarr.json")
        before = data_files(store.path), [(store.path / name).read_bytes() for name in names]
        relabel(store, table(*COUNTRIES))
        assert (data_files(store.path), [(store.path / name).read_bytes() for name in names]) == before
        assert [file.name for file in (store.path / "labels").iterdir()] == ["country.parquet"]

    def test_everything_shows_them(self, store, table):
        again = relabel(store.path, table(*COUNTRIES))
        assert "country" in repr(again)
        assert [each["name"] for each in again.info["task"]["labelings"]][-1] == "country"
        assert again.info["task"]["fingerprint"] == store.info["task"]["fingerprint"]
        assert len(again.dataset["clip"]) == len(again.clips) == N

    def test_a_recording_is_taken_up_as_before(self, write_clips, tmp_path, table):
        task = write_clips([6 * FRAME] * 8)
        store = record(ToyModel(), task, tmp_path / "y.zarr")
        relabel(store, table(("kind", "parity"), ("even", 0), ("odd", 1)))
        (store.path / "receipts" / "00000.json").unlink()
        assert list(record(ToyModel(), task, store.path).labelings) == ["kind", "parity"]

    def test_the_same_name_again_replaces(self, store, table):
        relabel(store, table(*AROUSAL))
        swapped = [
            AROUSAL[0],
            *((emotion, {"high": "low", "low": "high"}[it]) for emotion, it in AROUSAL[1:]),
        ]
        again = relabel(store, table(*swapped))
        assert again.clips["arousal"].tolist()[:2] == ["low", "high"]
        assert list(again.labelings).count("arousal") == 1

    def test_labels_of_labels(self, store, table):
        relabel(store, table(*COUNTRIES))
        rows = [("country", "continent"), ("Norway", "Europe"), ("Chile", "America"), ("Peru", "America")]
        continent = relabel(store, table(*rows)).labeling("continent")
        assert (continent.classes, continent.group) == (("America", "Europe"), "speaker")

    def test_results_of_earlier_labels_are_told(self, store, table):
        again = relabel(store, table(*AROUSAL))
        otoscope.select(again, "arousal", preset="aape", permutations=0).save(
            again.results / "select-arousal"
        )
        otoscope.select(again, "emotion", preset="aape", permutations=0).save(
            again.results / "select-emotion"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            relabel(store, table(*AROUSAL))  # the same again
        swapped = [AROUSAL[0], ("ANG", "low"), *AROUSAL[2:]]
        with pytest.warns(
            match=r"results: select-arousal/selection\.json came from the earlier labels of 'arousal'"
        ):
            relabel(store, table(*swapped))

    @pytest.mark.parametrize("spoil", ["garbage", "rows"])
    def test_a_file_that_is_none_of_ours(self, store, table, spoil):
        path = relabel(store, table(*COUNTRIES)).path / "labels" / "country.parquet"
        if spoil == "garbage":
            path.write_bytes(b"no table")
            with pytest.raises(OtoscopeError, match=r"cannot be read as labels .*try removing it"):
                _ = open_store(store.path).labelings
        else:
            there = pd.read_parquet(path)
            there.iloc[::-1].to_parquet(path)
            with pytest.raises(OtoscopeError, match="are of other clips than the store holds"):
                _ = open_store(store.path).clips


class TestRefusing:
    def test_keys_without_a_counterpart_are_told(self, store, table):
        rows = [*COUNTRIES[:6], ("id99", "Peru"), ("", "Peru")]
        with pytest.warns(UserWarning, match="table") as told:
            again = relabel(store, table(*rows))
        said = [str(each.message) for each in told]
        assert any("left out 1 of 7 rows, which have no speaker" in each for each in said)
        assert any(
            "lacks 3 of the store's 8 speaker values (id5, id6, id7), those of 9 clips" in each
            for each in said
        )
        assert any("1 speaker values are in no clip of the store (id99)" in each for each in said)
        assert again.clips["country"].isna().sum() == 9

    @pytest.mark.parametrize(
        ("rows", "settings", "error", "message"),
        [
            ([*AROUSAL, ("ANG", "low")], {}, TaskError, r"gives 'ANG' more than one arousal \(high; low\)"),
            (
                [("emotion", "take"), ("ANG", 1)],
                {},
                UsageError,
                "has take already; expected names of columns",
            ),
            ([("emotion", "sha256"), ("ANG", 1)], {}, UsageError, "has sha256 already"),
            ([("emotion", "???"), ("ANG", 1)], {}, UsageError, "cannot name a file of labels"),
            ([("emotion", "a b", "A-b"), ("ANG", 1, 1)], {}, UsageError, "'A-b' beside 'a b' cannot name"),
            ([("emotion",), ("ANG",)], {}, TaskError, "has no column but 'emotion'"),
            ([("emotion", "x"), ("wrath", 1)], {}, TaskError, "holds wrath, and the store's clips ANG, HAP"),
            (
                [("mood", "x"), ("ANG", 1)],
                {},
                UsageError,
                "has no column 'mood' to look up by; try one of clip, path",
            ),
            (AROUSAL, {"on": "mood"}, TaskError, "there is no column mood; it has emotion, arousal"),
            (AROUSAL, {"labels": ["valence"]}, TaskError, "there is no column valence"),
            (AROUSAL, {"group": "city"}, UsageError, "has no column 'city' to group by"),
            (AROUSAL, {"split": "city"}, UsageError, "has no column 'city' to split by"),
            ([("emotion", "x"), *((each, 1) for each in set(EMOTIONS))], {}, TaskError, "has 1 class"),
        ],
    )
    def test_what_cannot_be_used(self, store, table, rows, settings, error, message):
        with pytest.raises(error, match=message):
            relabel(store, table(*rows), **settings)
        assert not (store.path / "labels").exists()

    def test_nothing_is_written_if_one_of_two_is_refused(self, store, table):
        rows = [("emotion", "good", "bad"), ("ANG", 1, 1), ("HAP", 1, 1), ("SAD", 2, 1), ("NEU", 2, 1)]
        with pytest.raises(TaskError, match="labeling 'bad' has 1 class"):
            relabel(store, table(*rows))
        assert not (store.path / "labels").exists()


class TestUsing:
    def test_select_share_probe_and_report(self, store, table, tmp_path):
        again = relabel(store, table(*AROUSAL))
        selection = otoscope.select(again, "arousal", preset="aape", permutations=3)
        assert selection.classes == ("high", "low")
        selection.save(again.results / "select-arousal")
        otoscope.share(selection).save(again.results / "share-arousal")
        score = otoscope.probe_accuracy(again, "arousal")
        assert 0 <= score.accuracy <= 1
        otoscope.report([again], out=tmp_path / "report")
        assert "arousal" in (tmp_path / "report" / "index.html").read_text()

    def test_equals_a_recording_with_these_labels(self, store, table):
        """Labels of later find what labels of the beginning find."""
        again = relabel(store, table(*AROUSAL))
        mine = otoscope.firing_probability(again, "arousal")
        by_emotion = again.clips["emotion"].isin(["ANG", "HAP"]).to_numpy()
        fired = again.fired.values[by_emotion].sum(axis=0) / again.tokens[by_emotion].sum()
        np.testing.assert_allclose(mine.sel(category="high").values, fired)


def test_the_command(store, table):
    command = [
        "tasks",
        "relabel",
        str(store.path),
        str(table(*AROUSAL)),
        "--on",
        "emotion",
        "--label",
        "arousal",
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "arousal: 2 classes, grouped by speaker, crossed design" in done.output
    again = CliRunner().invoke(app, [*command, "--group", "take", "--split", "half", "--json"])
    assert json.loads(again.stdout)["labelings"]["arousal"]["group"] == "take"
