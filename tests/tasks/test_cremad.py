"""What the reader of CREMA-D makes of its traps."""

import shutil
import warnings

import pytest

from otoscope.errors import UsageError
from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.cremad import EXCLUDED, TEST, VALID

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*as EVAR does:UserWarning"),
]


@pytest.fixture
def cremad(layout):
    return layout("cremad")


def test_a_clip_and_what_is_known_of_it(cremad):
    row = load_task(f"cremad:{cremad}").clips.set_index("clip").loc["1001_IEO_HAP_HI.wav"]
    assert (row["sentence"], row["level"], row["gender"], row["split"]) == ("IEO", "HI", "Male", "test")
    assert (row["age"], row["race"], row["ethnicity"]) == ("50s", "Caucasian", "Not Hispanic")


def test_evars_split_of_speakers():
    assert (len(VALID), len(TEST), len(VALID & TEST)) == (9, 19, 0)
    assert all("1001" <= speaker <= "1091" for speaker in VALID | TEST)


def test_the_clips_that_evar_leaves_out_are_told(cremad, wav):
    for name in EXCLUDED:
        wav(cremad / "AudioWAV" / f"{name}.wav")
    with pytest.warns(
        UserWarning,
        match=r"left out 5 clips, as EVAR does: 1006_TIE_NEU_XX\.wav \(the very file 1006_TIE_HAP_XX\), .*"
        r"1040_ITH_SAD_X\.wav \(not in EVAR's list\)",
    ):
        assert len(load_task(f"cremad:{cremad}")) == 18


def test_without_those_nothing_is_told(cremad):
    for name in ("1006_TIE_NEU_XX.wav", "1040_ITH_SAD_X.wav"):
        (cremad / "AudioWAV" / name).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*where the whole data set gives")
        load_task(f"cremad:{cremad}")


def test_the_other_file_of_each_pair_and_the_silent_one_stay(cremad, wav):
    for name in ("1001_MTI_SAD_XX", "1002_WSI_SAD_XX", "1009_IWW_ANG_XX"):
        wav(cremad / "AudioWAV" / f"{name}.wav")
    assert len(load_task(f"cremad:{cremad}")) == 21


def test_the_flat_folder_of_evar(cremad):
    before = load_task(f"cremad:{cremad}")
    for file in (cremad / "AudioWAV").iterdir():
        file.rename(cremad / file.name)
    (cremad / "AudioWAV").rmdir()
    for place in (cremad, cremad.parent):
        assert load_task(f"cremad:{place}").fingerprint == before.fingerprint


def test_a_flat_folder_without_the_first_clip_and_the_table_above(cremad):
    (cremad / "AudioWAV" / "1001_DFA_ANG_XX.wav").unlink()
    (cremad / "AudioWAV").rename(cremad / "speech")
    shutil.rmtree(cremad / "AudioMP3")
    tasks = [load_task(f"cremad:{place}") for place in (cremad, cremad / "speech")]
    assert tasks[0].fingerprint == tasks[1].fingerprint
    assert [len(task.labelings) for task in tasks] == [8, 8]


@pytest.mark.parametrize("folder", ["AudioWAV", "AudioMP3"])
def test_a_folder_of_the_clone_will_do(cremad, folder):
    assert load_task(f"cremad:{cremad / folder}").fingerprint == load_task(f"cremad:{cremad}").fingerprint


def test_other_copies_beside_it_are_not_read(cremad):
    before = load_task(f"cremad:{cremad}").fingerprint
    shutil.copytree(cremad / "AudioWAV", cremad / "16k")
    assert load_task(f"cremad:{cremad}").fingerprint == before
    assert "AudioWAV" in load_task(f"cremad:{cremad}").clips["path"][0]


def test_without_the_table_of_actors(cremad):
    (cremad / "VideoDemographics.csv").unlink()
    with pytest.warns(
        UserWarning, match=r"no VideoDemographics\.csv there .* no labeling gender, age, race, ethnicity"
    ):
        task = load_task(f"cremad:{cremad}")
    assert [one.name for one in task.labelings] == ["emotion", "sentence", "level", "speaker"]
    with pytest.raises(TaskError, match=r"no labeling 'age'; get it with `git clone"):
        load_task(f"cremad:{cremad}", labels=["emotion", "age"])


def test_an_actor_that_the_table_lacks_is_told_once(cremad):
    table = cremad / "VideoDemographics.csv"
    table.write_text(table.read_text().replace("1009", "1010"))
    with pytest.warns(UserWarning, match="does not list 1009: 3 clips without Sex") as told:
        task = load_task(f"cremad:{cremad}")
    assert sum("does not list" in str(one.message) for one in told) == 1
    unknown = task.clips[task.clips["speaker"] == "1009"]
    assert len(unknown) == 3
    assert unknown[["gender", "age", "race", "ethnicity"]].isna().all(axis=None)
    assert unknown["emotion"].tolist() == ["ANG", "HAP", "SAD"]


def test_an_age_that_is_no_number(cremad):
    table = cremad / "VideoDemographics.csv"
    table.write_text(table.read_text().replace(",21,", ",young,"))
    with pytest.raises(TaskError, match=r"VideoDemographics\.csv: column 'Age' holds 'young' in row 1"):
        load_task(f"cremad:{cremad}")


def test_an_empty_cell_is_no_label(cremad):
    table = cremad / "VideoDemographics.csv"
    table.write_text(table.read_text().replace(",21,", ",,"))
    task = load_task(f"cremad:{cremad}")
    assert task.labeling("age").classes == ("50s", "20s")[::-1]
    assert task.clips["age"][task.clips["speaker"] == "1002"].isna().all()


def test_one_actor_with_two_sexes(cremad):
    table = cremad / "VideoDemographics.csv"
    table.write_text(table.read_text() + '1002,21,"Male","Caucasian","Hispanic"\n')
    with pytest.raises(TaskError, match="gives 1002 more than one Sex"):
        load_task(f"cremad:{cremad}")


def test_a_table_without_a_column(cremad):
    table = cremad / "VideoDemographics.csv"
    table.write_text(table.read_text().replace('"Sex"', '"Gender"'))
    with pytest.raises(TaskError, match="there is no column Sex; it has ActorID, Age, Gender, Race, Eth"):
        load_task(f"cremad:{cremad}")


def test_without_levels_there_is_no_such_labeling(cremad):
    for file in (cremad / "AudioWAV").glob("*_IEO_*"):
        file.unlink()
    assert "level" not in [one.name for one in load_task(f"cremad:{cremad}").labelings]
    with pytest.raises(UsageError, match="no labeling 'level'; it has: emotion, gender"):
        load_task(f"cremad:{cremad}", labels=["level"])


def test_nothing_but_what_evar_leaves_out(cremad, wav):
    shutil.rmtree(cremad / "AudioWAV")
    wav(cremad / "AudioWAV" / "1006_TIE_NEU_XX.wav")
    with pytest.raises(TaskError, match="holds no clips but those left out"):
        load_task(f"cremad:{cremad}")


def test_an_audio_folder_without_clips(cremad):
    shutil.rmtree(cremad / "AudioWAV")
    (cremad / "AudioWAV").mkdir()
    with pytest.raises(TaskError, match=r"AudioWAV holds no WAV files named like 1001_DFA_ANG_XX\.wav; exp"):
        load_task(f"cremad:{cremad}")


@pytest.mark.filterwarnings("ignore:.*left out 1 entries:UserWarning")
def test_an_audio_folder_that_is_a_link_elsewhere(cremad, tmp_path):
    (cremad / "AudioWAV").rename(tmp_path / "elsewhere")
    (cremad / "AudioWAV").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TaskError, match="'AudioWAV' is a link that leads out of the folder"):
        load_task(f"cremad:{cremad}")
    assert len(load_task(f"cremad:{cremad / 'AudioWAV'}")) == 18


def test_pointers_of_git_lfs(cremad):
    for file in (cremad / "AudioWAV").glob("1*.wav"):
        file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(TaskError, match=r"18 files: is a Git-LFS pointer .*try `git lfs pull`"):
        check(load_task(f"cremad:{cremad}"))


@pytest.mark.parametrize("name", ["1001_DFA_ANG_XX (1).wav", "1001_DFA_ANG_XX.WAV", "1001_DFA_JOY_XX.wav"])
def test_a_file_that_is_named_otherwise(cremad, wav, name):
    wav(cremad / "AudioWAV" / name)
    with pytest.raises(TaskError, match="1 WAV files are not named as CREMA-D names them") as caught:
        load_task(f"cremad:{cremad}")
    assert name in str(caught.value)
