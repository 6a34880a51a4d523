"""What each reader of a public layout makes of its traps."""

import shutil

import pytest

from otoscope.errors import UsageError
from otoscope.tasks import TaskError, available, check, load_task
from otoscope.tasks.datasets import cremad as cremad_reader
from otoscope.tasks.datasets.cremad import TEST, VALID
from otoscope.tasks.datasets.esc50 import MAJOR

pytestmark = pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning")


class TestRegistry:
    @pytest.mark.parametrize("spec", ["sounds", "folder:", "urbansound:x", ":x", ""])
    def test_an_unknown_task_is_answered_with_those_there(self, spec):
        with pytest.raises(
            UsageError, match=r"no task is called .*folder:DIR, manifest:FILE\[@ROOT\], esc50:DIR"
        ):
            load_task(spec)

    def test_every_reader_says_how_to_name_it_and_what_it_needs(self):
        for reader in available():
            assert reader.name.startswith(f"{reader.prefix}:")
            assert reader.about
            assert reader.needs

    def test_an_unknown_labeling(self, sounds):
        with pytest.raises(UsageError, match="no labeling 'mood'; it has: class"):
            load_task(f"folder:{sounds}", labels=["mood"])


class TestFolder:
    def test_classes_are_the_sub_folders(self, sounds):
        task = load_task(f"folder:{sounds}")
        assert task.name == "sounds"
        assert task.labeling("class").classes == ("cat", "dog barks")
        assert task.clips["clip"].tolist() == [
            *("cat/a.wav", "cat/b.flac", "cat/d.MP3", "cat/deep/c.ogg"),
            *("dog barks/a.wav", "dog barks/b.flac", "dog barks/deep/c.ogg"),
        ]

    def test_what_is_not_audio_is_named(self, sounds):
        (sounds / "cat" / "notes.txt").write_text("meow")
        (sounds / "loose.wav").write_bytes(b"")
        with pytest.warns(
            UserWarning, match=r"left out 2 files, not audio or in no class: loose\.wav, cat/notes"
        ):
            task = load_task(f"folder:{sounds}")
        assert len(task) == 7

    def test_an_empty_class_is_kept_for_the_check_to_name(self, sounds):
        (sounds / "cow").mkdir()
        task = load_task(f"folder:{sounds}")
        assert task.labeling("class").classes == ("cat", "cow", "dog barks")
        with pytest.raises(TaskError, match="no clip bears cow"):
            check(task)

    def test_one_class_is_too_few(self, sounds):
        shutil.rmtree(sounds / "cat")
        with pytest.raises(TaskError, match=r"has 1 class \(dog barks\)"):
            check(load_task(f"folder:{sounds}"))

    def test_sub_folders_named_after_splits_are_the_split(self, tmp_path, wav):
        for split in ("train", "val", "test"):
            for name in ("cat", "dog"):
                wav(tmp_path / "pets" / split / name / "a.wav")
        task = load_task(f"folder:{tmp_path / 'pets'}")
        assert task.labeling("class").classes == ("cat", "dog")
        assert task.labeling("class").split == "split"
        assert sorted(set(task.clips["split"])) == ["test", "train", "valid"]

    def test_a_folder_without_sub_folders(self, tmp_path, wav):
        wav(tmp_path / "flat" / "a.wav")
        with pytest.raises(TaskError, match=r"no sub-folder holds audio .* expected a sub-folder per class"):
            load_task(f"folder:{tmp_path / 'flat'}")


class TestEsc50:
    def test_classes_are_in_the_order_of_targets(self, esc50):
        labeling = load_task(f"esc50:{esc50}").labeling("category")
        assert labeling.classes == ("dog", "rooster", "crackling_fire")
        assert labeling.taxonomy == {"dog": "animals", "rooster": "animals", "crackling_fire": "natural"}
        assert (labeling.split, labeling.group) == ("fold", "source")

    def test_folds_and_sources(self, esc50):
        task = load_task(f"esc50:{esc50}")
        assert task.clips["fold"].value_counts().to_dict() == dict.fromkeys(range(1, 6), 3)
        assert task.clips["source"][0] == "100001-0"

    def test_the_audio_folder_will_do(self, esc50):
        assert len(load_task(f"esc50:{esc50 / 'audio'}")) == 15

    def test_a_fork_with_byte_order_mark_and_capitals(self, esc50):
        table = esc50 / "meta" / "esc50.csv"
        before = load_task(f"esc50:{esc50}").fingerprint
        text = table.read_text().replace("True", "TRUE").replace("False", "FALSE")
        table.write_text("\ufeff" + text, encoding="utf-8")
        assert load_task(f"esc50:{esc50}").fingerprint == before

    def test_a_file_that_the_table_names_and_the_folder_lacks(self, esc50):
        (esc50 / "audio" / "3-100003-A-0.wav").unlink()
        with pytest.raises(TaskError, match=r"1 file: does not exist \(.*3-100003-A-0\.wav\)"):
            check(load_task(f"esc50:{esc50}"))

    def test_a_table_without_a_column(self, esc50):
        table = esc50 / "meta" / "esc50.csv"
        table.write_text(table.read_text().replace("category", "label"))
        with pytest.raises(
            TaskError, match=r"esc50\.csv: there is no column category; it has filename, fold"
        ):
            load_task(f"esc50:{esc50}")

    def test_a_fold_that_is_no_number(self, esc50):
        table = esc50 / "meta" / "esc50.csv"
        table.write_text(table.read_text().replace(".wav,1,0", ".wav,one,0"))
        with pytest.raises(TaskError, match=r"column 'fold' holds 'one' in row 0; expected a whole number"):
            load_task(f"esc50:{esc50}")

    def test_a_target_beyond_the_fifty(self, esc50):
        table = esc50 / "meta" / "esc50.csv"
        table.write_text(table.read_text().replace(".wav,1,0", ".wav,1,50"))
        with pytest.raises(TaskError, match="target 50; expected 0 to 49"):
            load_task(f"esc50:{esc50}")

    def test_the_major_categories_are_ten_targets_each(self):
        assert len(MAJOR) * 10 == 50


class TestCremad:
    def test_three_labelings_of_one_table(self, cremad):
        task = load_task(f"cremad:{cremad}")
        assert [(one.name, one.classes, one.group, one.split) for one in task.labelings] == [
            ("emotion", ("ANG", "HAP", "SAD"), "speaker", "split"),
            ("gender", ("Female", "Male"), "speaker", "split"),
            ("speaker", ("1001", "1002", "1009"), None, None),
        ]
        row = task.clips.set_index("clip").loc["1001_IEO_HAP_HI.wav"]
        assert (row["sentence"], row["level"], row["gender"], row["split"]) == ("IEO", "HI", "Male", "test")

    def test_evars_split_of_speakers(self, cremad):
        clips = load_task(f"cremad:{cremad}").clips
        assert dict(zip(clips["speaker"], clips["split"], strict=True)) == {
            "1001": "test",
            "1002": "train",
            "1009": "valid",
        }
        assert (len(VALID), len(TEST), len(VALID & TEST)) == (9, 19, 0)

    def test_the_four_clips_that_evar_leaves_out(self, cremad, wav):
        for name in sorted(cremad_reader.EXCLUDED):
            wav(cremad / "AudioWAV" / f"{name}.wav")
        table = cremad / "VideoDemographics.csv"
        assert len(load_task(f"cremad:{cremad}")) == 10
        assert "1040" not in table.read_text()

    def test_the_other_file_of_each_pair_and_the_silent_one_stay(self, cremad, wav):
        for name in ("1001_TIE_HAP_XX", "1002_WSI_SAD_XX", "1009_MTI_SAD_XX"):
            wav(cremad / "AudioWAV" / f"{name}.wav")
        assert len(load_task(f"cremad:{cremad}")) == 13

    def test_the_flat_folder_of_evar(self, cremad):
        before = load_task(f"cremad:{cremad}")
        for file in (cremad / "AudioWAV").iterdir():
            file.rename(cremad / file.name)
        (cremad / "AudioWAV").rmdir()
        assert load_task(f"cremad:{cremad}").fingerprint == before.fingerprint

    def test_the_audio_folder_itself_finds_the_table_above(self, cremad):
        assert len(load_task(f"cremad:{cremad / 'AudioWAV'}").labelings) == 3

    def test_without_the_table_of_actors_there_is_no_gender(self, cremad):
        (cremad / "VideoDemographics.csv").unlink()
        with pytest.warns(UserWarning, match=r"no VideoDemographics\.csv there .* no labeling 'gender'"):
            task = load_task(f"cremad:{cremad}")
        assert [one.name for one in task.labelings] == ["emotion", "speaker"]
        with pytest.raises(TaskError, match=r"no labeling 'gender'; get it with `git clone"):
            load_task(f"cremad:{cremad}", labels=["gender"])

    def test_an_actor_that_the_table_lacks(self, cremad):
        table = cremad / "VideoDemographics.csv"
        table.write_text(table.read_text().replace("1009", "1010"))
        with pytest.raises(TaskError, match="does not list the actors 1009"):
            load_task(f"cremad:{cremad}")

    def test_nothing_but_what_evar_leaves_out(self, cremad, wav):
        shutil.rmtree(cremad / "AudioWAV")
        wav(cremad / "AudioWAV" / "1006_TIE_NEU_XX.wav")
        with pytest.raises(TaskError, match="holds no clips"):
            load_task(f"cremad:{cremad}")

    def test_pointers_of_git_lfs(self, cremad):
        for file in (cremad / "AudioWAV").glob("1*.wav"):
            file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        with pytest.raises(TaskError, match=r"10 files: is a Git-LFS pointer .*try `git lfs pull`"):
            check(load_task(f"cremad:{cremad}"))

    def test_a_file_that_is_named_otherwise(self, cremad, wav):
        wav(cremad / "AudioWAV" / "1001_DFA_ANG_XX (1).wav")
        with pytest.raises(TaskError, match=r"1 WAV files are not named as CREMA-D .*1001_DFA_ANG_XX \(1\)"):
            load_task(f"cremad:{cremad}")


class TestGtzan:
    def test_the_lists_choose_the_clips(self, gtzan):
        task = load_task(f"gtzan:{gtzan}")
        assert task.clips["clip"].tolist()[:3] == [f"{g}/{g}.00000.wav" for g in ("blues", "hiphop", "jazz")]
        assert task.clips["split"].value_counts().to_dict() == {"train": 3, "valid": 3, "test": 3}
        labeling = task.labeling("genre")
        assert (labeling.classes, labeling.split, labeling.group) == (
            ("blues", "hiphop", "jazz"),
            "split",
            None,
        )

    def test_the_copy_with_other_folders(self, gtzan):
        before = load_task(f"gtzan:{gtzan}").fingerprint
        (gtzan / "Data").mkdir()
        (gtzan / "genres").rename(gtzan / "Data" / "genres_original")
        for place in (gtzan, gtzan / "Data", gtzan / "Data" / "genres_original"):
            if place.name == "genres_original":
                for name in ("train", "valid", "test"):
                    shutil.copy(gtzan / f"{name}_filtered.txt", gtzan / "Data")
            assert load_task(f"gtzan:{place}").fingerprint == before

    def test_the_genres_folder_itself_finds_the_lists_above(self, gtzan):
        assert len(load_task(f"gtzan:{gtzan / 'genres'}")) == 9

    def test_a_flat_folder(self, gtzan):
        before = load_task(f"gtzan:{gtzan}").fingerprint
        for genre in ("blues", "hiphop", "jazz"):
            for file in (gtzan / "genres" / genre).iterdir():
                file.rename(gtzan / file.name)
        shutil.rmtree(gtzan / "genres")
        task = load_task(f"gtzan:{gtzan}")
        check(task)
        assert task.fingerprint == before

    def test_without_lists_it_says_where_they_are(self, gtzan):
        (gtzan / "valid_filtered.txt").unlink()
        with pytest.raises(TaskError, match=r"valid_filtered\.txt not there .*github\.com/jongpillee"):
            load_task(f"gtzan:{gtzan}")
        for split in ("train", "test"):
            (gtzan / f"{split}_filtered.txt").unlink()
        with pytest.raises(
            TaskError, match=r"no train_filtered\.txt, .*get them from https://github\.com/jongpillee"
        ):
            load_task(f"gtzan:{gtzan}")

    def test_a_listed_clip_that_cannot_be_decoded_is_named(self, gtzan):
        file = gtzan / "genres" / "jazz" / "jazz.00000.wav"
        file.write_bytes(file.read_bytes()[:-50])
        with pytest.raises(TaskError, match=r"1 file: is truncated \(.*jazz\.00000\.wav\)"):
            check(load_task(f"gtzan:{gtzan}"))

    def test_a_listed_clip_that_is_not_there_is_named(self, gtzan):
        (gtzan / "genres" / "jazz" / "jazz.00000.wav").unlink()
        with pytest.raises(TaskError, match=r"1 file: does not exist \(.*jazz\.00000\.wav\)"):
            check(load_task(f"gtzan:{gtzan}"))

    def test_lists_without_sound(self, gtzan):
        shutil.rmtree(gtzan / "genres")
        with pytest.raises(
            TaskError, match=r"none of the 9 listed files is there; expected genres/blues/blues"
        ):
            load_task(f"gtzan:{gtzan}")

    @pytest.mark.parametrize("line", ["blues.00000.wav", "rock/blues.00000.wav"])
    def test_a_line_that_is_no_clip(self, gtzan, line):
        (gtzan / "test_filtered.txt").write_text(line)
        with pytest.raises(TaskError, match=f"line '{line}' is not like"):
            load_task(f"gtzan:{gtzan}")

    def test_empty_lists(self, gtzan):
        for split in ("train", "valid", "test"):
            (gtzan / f"{split}_filtered.txt").write_text("")
        with pytest.raises(TaskError, match="the lists name no clips"):
            load_task(f"gtzan:{gtzan}")
