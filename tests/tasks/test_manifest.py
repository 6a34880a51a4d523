"""manifest: EVAR's table as it is, tables of one's own, and tables that cannot be read."""

import numpy as np
import pandas as pd
import pytest

from otoscope.tasks import TaskError, check, load_task


@pytest.fixture
def make(tmp_path, wav):
    """Write a table beside the files that its first column names, as CSV or as the suffix says."""

    def write(table, name="clips.csv", files=True, **settings):
        table = pd.DataFrame(table)
        if files:
            for file in table.iloc[:, 0].unique():
                if isinstance(file, str) and file:
                    wav(tmp_path / file.replace("\\", "/"), seconds=0.5)
        if name.endswith(".parquet"):
            table.to_parquet(tmp_path / name)
        else:
            table.to_csv(tmp_path / name, **{"index": False, **settings})
        return f"manifest:{tmp_path / name}"

    return write


FILES = ["a.wav", "b.wav", "c.wav", "d.wav"]


class TestEvar:
    @pytest.mark.filterwarnings("ignore:.*left out:UserWarning")
    def test_cremad_as_it_is(self, evar):
        task = load_task(f"manifest:{evar / 'cremad.csv'}@{evar / '16k' / 'cremad'}")
        assert task.name == "cremad"
        labeling = task.labeling("label")
        assert labeling.classes == ("ANG", "HAP", "SAD")
        assert (labeling.group, labeling.split, labeling.multilabel) == ("speaker_id", "split", False)
        assert task.clips["clip"][0] == "1002_DFA_ANG_XX.wav"
        assert task.clips["split"].value_counts().to_dict() == {"train": 6, "valid": 3, "test": 3}

    def test_rows_of_no_split_are_counted(self, evar):
        with pytest.warns(
            UserWarning, match="left out 1 of 13 rows, whose split is not train, valid or test"
        ):
            assert len(load_task(f"manifest:{evar / 'cremad.csv'}@{evar / '16k' / 'cremad'}")) == 12

    def test_without_the_audio_root_it_says_how_to_name_it(self, evar):
        with pytest.raises(
            TaskError, match=r"none of its 13 files is there .*try `manifest:.*cremad\.csv@ROOT`"
        ):
            load_task(f"manifest:{evar / 'cremad.csv'}")

    @pytest.mark.filterwarnings("ignore:.*left out:UserWarning")
    def test_speakers_kept_apart_have_no_split(self, evar):
        spec = f"manifest:{evar / 'cremad.csv'}@{evar / '16k' / 'cremad'}"
        speaker = load_task(spec, labels=["speaker_id"]).labeling("speaker_id")
        assert (speaker.group, speaker.split) == (None, None)
        assert speaker.classes == ("1001", "1002", "1003", "1009")

    def test_folds(self, make):
        spec = make(
            {"file_name": FILES, "fold": [1, 1, 2, 2], "label": ["x", "y", "x", "y"], "target": [0, 1, 0, 1]}
        )
        task = load_task(spec)
        assert task.labeling("label").split == "fold"
        assert task.clips["fold"].tolist() == [1, 1, 2, 2]

    def test_several_labels_joined_by_commas(self, make):
        spec = make(
            {"file_name": FILES, "label": ["Dog,Bark", "Rain", "Dog", "Hi-hat,Rain"], "split": "train"}
        )
        labeling = load_task(spec).labeling("label")
        assert labeling.multilabel
        assert labeling.classes == ("Bark", "Dog", "Hi-hat", "Rain")

    def test_an_unnamed_index_and_columns_in_another_order(self, make):
        table = pd.DataFrame({"label": [60, 100, 60, 100], "file_name": FILES, "split": "train"})
        make({"file_name": FILES, "label": "x"}, "others.csv")  # for its files
        task = load_task(make(table, files=False, index=True))
        assert task.labeling("label").classes == ("60", "100")
        assert "Unnamed: 0" not in task.clips

    def test_starts_and_ends_in_the_source_recording_are_not_taken_for_parts(self, make):
        spec = make({"file_name": FILES, "label": list("xyxy"), "fold": 1, "start": 100.5, "end": 104.5})
        assert load_task(spec).read(0, 16000).real == 8000


class TestOwnTables:
    def test_label_columns_are_those_that_repeat_themselves(self, make):
        spec = make(
            {
                "path": FILES,
                "mood": ["calm", "glad", "calm", "glad"],
                "octave": [3, 4, 4, 3],
                "speaker": ["s1", "s1", "s2", "s2"],
                "title": ["one", "two", "three", "four"],
                "loudness": [0.25, 0.5, 0.25, 0.5],
                "year": [1999] * 4,
            }
        )
        task = load_task(spec)
        assert [one.name for one in task.labelings] == ["mood", "octave"]
        assert {one.group for one in task.labelings} == {"speaker"}

    def test_label_columns_that_are_asked_for(self, make):
        spec = make({"path": FILES, "label": list("xyxy"), "mood": list("abab"), "speaker": list("ppqq")})
        task = load_task(spec, labels=["mood", "speaker"])
        assert [one.name for one in task.labelings] == ["mood", "speaker"]
        assert (task.labeling("mood").group, task.labeling("speaker").group) == ("speaker", None)

    def test_parquet_with_lists_and_numbers(self, make):
        events = pd.Series([["a"], ["a", "b"], [], ["b"]], dtype=object)
        spec = make({"file": FILES, "event": events, "pitch": [60.0, 100.0, 60.0, np.nan]}, "clips.parquet")
        task = load_task(spec, labels=["event", "pitch"])
        assert task.labeling("event").multilabel
        assert task.labeling("event").membership(task.clips).sum() == 4
        assert task.labeling("pitch").classes == ("60", "100")

    def test_numbers_keep_their_zeros_and_words_their_meaning(self, make):
        task = load_task(make({"file": FILES, "label": ["007", "07", "NA", "None"]}))
        assert task.labeling("label").classes == ("007", "07", "NA", "None")

    def test_empty_labels_are_missing(self, make):
        task = load_task(make({"file": FILES, "label": ["x", "", "y", None]}))
        assert task.labeling("label").membership(task.clips).any(axis=1).tolist() == [
            True,
            False,
            True,
            False,
        ]

    @pytest.mark.parametrize("separator", ["\t", ";"])
    def test_other_separators_and_a_byte_order_mark(self, make, separator):
        spec = make({"file": FILES, "label": list("xyxy")}, sep=separator, encoding="utf-8-sig")
        assert load_task(spec).labeling("label").classes == ("x", "y")

    def test_parts_of_one_file_are_clips_of_their_own(self, make):
        spec = make({"file": ["a.wav"] * 2, "start": [0, 0.25], "stop": [0.25, 0.35], "label": ["x", "y"]})
        task = load_task(spec)
        assert task.clips["clip"].tolist() == ["a.wav#0", "a.wav#0.25"]
        assert [task.read(index, 16000).real for index in range(2)] == [4000, 1600]

    def test_a_column_that_names_the_clips(self, make):
        task = load_task(make({"path": FILES, "clip": ["p", "q", "r", "s"], "label": list("xyxy")}))
        assert task.clips["clip"].tolist() == ["p", "q", "r", "s"]

    def test_the_table_of_a_task_is_a_manifest(self, sounds, tmp_path):
        task = load_task(f"folder:{sounds}")
        task.clips.to_parquet(tmp_path / "clips.parquet")
        again = load_task(f"manifest:{tmp_path / 'clips.parquet'}", labels=["class"])
        assert again.fingerprint == task.fingerprint

    def test_paths_of_another_system(self, make):
        task = load_task(make({"file": ["deep\\a.wav", "deep\\b.wav"], "label": list("xy")}))
        assert task.clips["clip"].tolist() == ["deep/a.wav", "deep/b.wav"]
        assert task.read(0, 16000).real

    def test_an_at_sign_in_a_name(self, make, tmp_path):
        spec = make({"file": FILES, "label": list("xyxy")}, "me@home.csv")
        assert len(load_task(spec)) == len(load_task(f"{spec}@{tmp_path}")) == 4

    def test_labels_that_differ_in_case_are_found_by_the_check(self, make):
        with pytest.raises(TaskError, match="'Cat' and 'cat' differ only in case"):
            check(load_task(make({"file": FILES, "label": ["cat", "Cat", "cat", "Cat"]})))

    def test_columns_that_a_recording_adds_are_left_out(self, make):
        task = load_task(make({"file": FILES, "label": list("xyxy"), "tokens": 5, "problem": ""}))
        assert not {"tokens", "problem"} & set(task.clips)


class TestRefusals:
    def test_a_label_column_that_is_not_there(self, make):
        with pytest.raises(TaskError, match="no column mood; it has label, path, clip"):
            load_task(make({"file": FILES, "label": list("xyxy")}), labels=["mood"])

    def test_no_column_of_labels(self, make):
        with pytest.raises(
            TaskError, match=r"no column looks like labels; .* it has title, path, clip; try naming"
        ):
            load_task(make({"file": FILES, "title": list("wxyz")}))

    def test_no_column_of_files(self, make):
        with pytest.raises(
            TaskError, match=r"no column tells the files; expected one of file_name, .* it has sound"
        ):
            load_task(make({"sound": FILES, "label": list("xyxy")}))

    def test_a_row_without_a_file(self, make):
        with pytest.raises(TaskError, match="column 'file' is empty in row 1"):
            load_task(make({"file": ["a.wav", None], "label": list("xy")}))

    def test_a_clip_named_twice(self, make):
        with pytest.raises(TaskError, match=r"1 clip names occur more than once \(a\.wav\)"):
            load_task(make({"file": ["a.wav", "a.wav", "b.wav"], "label": list("xyx")}))

    def test_splits_of_no_known_name(self, make):
        with pytest.raises(TaskError, match="no row has a split or fold; expected train, valid and test"):
            load_task(make({"file": FILES, "label": list("xyxy"), "split": "A"}))

    def test_a_fold_that_is_no_number(self, make):
        with pytest.raises(TaskError, match="column 'fold' holds 'one' in row 0; expected a whole number"):
            load_task(make({"file": FILES, "label": list("xyxy"), "fold": ["one", 2, 3, 4]}))

    def test_a_start_that_is_no_number(self, make):
        with pytest.raises(TaskError, match="column 'start' holds '0:30'; expected seconds"):
            load_task(make({"file": FILES, "label": list("xyxy"), "start": "0:30", "stop": 1}))

    def test_a_missing_table(self, tmp_path):
        with pytest.raises(TaskError, match=r"clips\.csv: no such file; expected FILE, or FILE@ROOT"):
            load_task(f"manifest:{tmp_path / 'clips.csv'}")

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.csv", b""),
            ("a.csv", b"a,b\n1,2\n1,2,3\n"),
            ("a.csv", b"label\n\xff\xfe"),
            ("a.parquet", b"PAR0"),
        ],
    )
    def test_a_file_that_is_no_table(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            TaskError, match=r"cannot be read as a table .* expected CSV in UTF-8, or Parquet"
        ):
            load_task(f"manifest:{tmp_path / name}")
