"""manifest: EVAR's table as it is, tables of one's own, and tables that cannot be read."""

import json
import shutil

import fsspec
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


class TestSeparators:
    TABLE = {"file": FILES, "label": ["dog|bark, loud", "rain", " dog | ", "bark, loud"]}

    def test_a_separator_of_ones_own(self, make):
        task = load_task(make(self.TABLE), separator="|")
        labeling = task.labeling("label")
        assert labeling.multilabel
        assert labeling.classes == ("bark, loud", "dog", "rain")
        assert labeling.labels(task.clips) == [["dog", "bark, loud"], ["rain"], ["dog"], ["bark, loud"]]

    def test_cells_that_are_never_cut(self, make):
        labeling = load_task(make(self.TABLE), separator="").labeling("label")
        assert not labeling.multilabel
        assert "dog|bark, loud" in labeling.classes

    def test_a_separator_that_no_cell_holds(self, make):
        assert not load_task(make(self.TABLE), separator="/").labeling("label").multilabel

    def test_it_is_known_where_labels_are_guessed(self, make):
        spec = make(
            {"file": FILES, "tags": ["x|y", "y|x", "x", "y"], "title": list("abcd"), "speaker": "p|q"}
        )
        task = load_task(spec, separator="|")
        assert [one.name for one in task.labelings] == ["tags"]
        assert set(task.clips["speaker"]) == {"p|q"}

    def test_it_survives_parquet(self, make, tmp_path):
        task = load_task(make(self.TABLE), separator="|")
        task.clips.to_parquet(tmp_path / "again.parquet")
        assert (
            load_task(f"manifest:{tmp_path / 'again.parquet'}", separator="|").fingerprint == task.fingerprint
        )


class TestPlaces:
    """Tables and sounds on disk, in archives, and behind URLs."""

    ROWS = "file_name,label\nin/a.wav,x\n./in/b.wav,y\nin//c.wav,x\nin/it's d.wav,y\n"

    @pytest.fixture
    def folder(self, tmp_path, wav):
        for name in ("a.wav", "b.wav", "c.wav", "it's d.wav"):
            wav(tmp_path / "sounds" / "in" / name)
        (tmp_path / "sounds" / "clips.csv").write_text(self.ROWS)
        return tmp_path / "sounds"

    @pytest.fixture
    def memory(self, folder):
        system = fsspec.filesystem("memory")
        for path in folder.rglob("*.*"):
            system.pipe(f"/set/{path.relative_to(folder)}", path.read_bytes())
        yield "memory://set"
        system.store.clear()

    def readable(self, spec):
        task = load_task(spec)
        assert len(task) == 4
        assert [task.read(index, 16000).real for index in range(4)] == [1600] * 4
        return task

    @pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
    def test_sounds_in_an_archive(self, folder, tmp_path, kind):
        archive = shutil.make_archive(str(tmp_path / "packed"), kind, folder)
        task = self.readable(f"manifest:{folder}/clips.csv@{archive}")
        assert task.clips["path"][1] == f"{kind[-3:]}://in/b.wav::{archive}"
        assert task.clips["clip"][1] == "./in/b.wav"
        assert task.fingerprint == load_task(f"manifest:{folder}/clips.csv").fingerprint

    def test_sounds_in_a_folder_of_an_archive(self, folder, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "sounds")
        self.readable(f"manifest:{folder}/clips.csv@zip://sounds::{archive}")
        with pytest.raises(
            TaskError, match=r"none of its 4 files is there \(looked for zip://in/a\.wav::.*packed"
        ):
            load_task(f"manifest:{folder}/clips.csv@{archive}")

    def test_a_table_in_an_archive_with_its_sounds(self, folder, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "me@home"), "zip", tmp_path, "sounds")
        task = self.readable(f"manifest:zip://sounds/clips.csv::{archive}")
        assert task.name == "clips"
        assert task.clips["path"][0] == f"zip://sounds/in/a.wav::{archive}"
        self.readable(f"manifest:zip://sounds/clips.csv::{archive}@{folder}")

    def test_a_table_elsewhere(self, memory, folder):
        task = self.readable(f"manifest:{memory}/clips.csv")
        assert task.clips["path"][1] == "memory://set/in/b.wav"
        self.readable(f"manifest:{memory}/clips.csv@{folder}")
        self.readable(f"manifest:{folder}/clips.csv@{memory}/")
        self.readable(f"manifest:file://{folder}/clips.csv")

    def test_an_archive_elsewhere(self, memory, folder, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
        fsspec.filesystem("memory").put(archive, "/set/packed.zip")
        self.readable(f"manifest:{folder}/clips.csv@{memory}/packed.zip")
        self.readable(f"manifest:zip://clips.csv::{memory}/packed.zip")

    def test_a_damaged_archive(self, folder, tmp_path):
        (tmp_path / "a.zip").write_bytes(b"PK")
        with pytest.raises(TaskError, match=r"a\.zip: cannot be read: damaged archive"):
            load_task(f"manifest:{folder}/clips.csv@{tmp_path / 'a.zip'}")

    @pytest.mark.parametrize("name", ["../a.wav", "in/../../a.wav", "..\\a.wav", ".."])
    def test_paths_that_leave_the_root_are_refused(self, folder, tmp_path, name):
        for root in (folder, f"{folder}/x.zip", "memory://set"):
            (folder / "clips.csv").write_text(f"file,label\nin/a.wav,x\n{name},y\n")
            with pytest.raises(
                TaskError, match=r"row 1 names .*, which leads out of .*; expected .*; try `manifest:"
            ):
                load_task(f"manifest:{folder}/clips.csv@{root}")

    def test_paths_that_come_back_are_not(self, folder):
        (folder / "clips.csv").write_text("file,label\nin/../in/a.wav,x\nin/b.wav,y\n")
        assert load_task(f"manifest:{folder}/clips.csv").clips["path"][0] == f"{folder}/in/a.wav"

    def test_absolute_paths_and_urls_are_the_users_choice(self, folder, memory, tmp_path):
        rows = [f"{folder}/in/a.wav,x", f"{memory}/in/b.wav,y"]
        (tmp_path / "clips.csv").write_text("\n".join(["file,label", *rows]))
        task = load_task(f"manifest:{tmp_path}/clips.csv")
        assert [task.read(index, 16000).real for index in range(2)] == [1600, 1600]

    def test_links_below_the_root_are_the_users_choice(self, folder, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        shutil.move(folder / "in", tmp_path / "elsewhere")
        (folder / "in").symlink_to(tmp_path / "elsewhere" / "in")
        self.readable(f"manifest:{folder}/clips.csv")

    def test_strange_names(self, wav, tmp_path):
        names = ['q"uote.wav', "new\nline.wav", "日本 語.wav", "50%.wav", "a::b.wav"]
        for name in names:
            wav(tmp_path / name)
        pd.DataFrame({"file": names, "label": list("xyxyx")}).to_csv(tmp_path / "clips.csv", index=False)
        task = load_task(f"manifest:{tmp_path}/clips.csv")
        assert task.clips["clip"].tolist() == names
        check(task)


class TestKinds:
    ROWS = (
        {"file": "a.wav", "label": ["x", "y"], "n": 1},
        {"file": "b.wav", "label": ["y"]},
        {"file": "c.wav"},
    )

    @pytest.mark.parametrize("suffix", ["jsonl", "ndjson"])
    def test_json_lines(self, tmp_path, wav, suffix):
        for row in self.ROWS:
            wav(tmp_path / row["file"])
        (tmp_path / f"clips.{suffix}").write_text(
            "\r\n".join(map(json.dumps, self.ROWS)) + "\n\n", "utf-8-sig"
        )
        task = load_task(f"manifest:{tmp_path}/clips.{suffix}")
        assert task.labeling("label").labels(task.clips) == [["x", "y"], ["y"], []]
        assert load_task(f"manifest:{tmp_path}/clips.{suffix}", labels=["n"]).labelings[0].classes == ("1",)

    def test_tabs(self, make):
        spec = make({"file": FILES, "label": ["a,b", "c,d", "a,b", "c,d"]}, "clips.tsv", sep="\t")
        assert load_task(spec, separator="").labelings[0].classes == ("a,b", "c,d")

    def test_windows_line_ends(self, make):
        task = load_task(make({"file": FILES, "label": list("xyxy")}, lineterminator="\r\n"))
        assert task.labelings[0].classes == ("x", "y")


class TestHashes:
    def test_the_expected_content(self, make):
        hashes = ["A" * 64, None, "b" * 64, f" {'c' * 64}"]
        task = load_task(make({"file": FILES, "label": list("xyxy"), "sha256": hashes}))
        expected = [None if pd.isna(cell) else cell for cell in task.clips["expected_sha256"]]
        assert expected == ["a" * 64, None, "b" * 64, "c" * 64]

    def test_what_is_no_hash(self, make):
        spec = make({"file": FILES, "label": list("xyxy"), "sha256": "unknown"})
        with pytest.warns(UserWarning, match="left out the column sha256: 'unknown' is no hash"):
            assert "expected_sha256" not in load_task(spec).clips


class TestRefusals:
    def test_no_rows(self, make):
        with pytest.raises(TaskError, match=r"clips\.csv: holds no rows; expected one a clip"):
            load_task(make({"file": [], "label": []}))

    def test_a_clip_without_a_name(self, make):
        with pytest.raises(TaskError, match="column 'clip' is empty in row 1"):
            load_task(make({"file": FILES[:2], "clip": ["a", ""], "label": list("xy")}))

    @pytest.mark.parametrize(("start", "stop"), [(1, 1), (1, 0.5), (None, 0)])
    def test_a_part_that_stops_before_it_starts(self, make, start, stop):
        spec = make({"file": FILES[:2], "start": [0, start], "stop": [0.2, stop], "label": list("xy")})
        with pytest.raises(
            TaskError, match=r"row 1 stops at .* s, not after its start; expected start < stop"
        ):
            load_task(spec)

    @pytest.mark.parametrize("start", ["-1", "inf", "1e300"])
    def test_seconds_that_cannot_be(self, make, start):
        with pytest.raises(TaskError, match=rf"column 'start' holds '{start}'; expected seconds, in row 0"):
            load_task(make({"file": FILES, "start": start, "label": list("xyxy")}))

    def test_a_table_behind_a_url_that_is_not_there(self):
        with pytest.raises(TaskError, match=r"memory://gone\.csv: does not exist; expected a table"):
            load_task("manifest:memory://gone.csv")

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
