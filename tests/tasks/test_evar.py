"""EVAR's tables and working folders: the clips and labels of the official layouts, and its own rules."""

import shutil

import pandas as pd
import pytest
from test_contract import LAYOUTS, make

from otoscope.errors import UsageError
from otoscope.tasks import TaskError, check, load_task

quiet = pytest.mark.filterwarnings("ignore::UserWarning")
TASKS = {f"{name}:{one.task}": (name, one) for name, layout in LAYOUTS.items() for one in layout.evar}
FORMS = {
    "as made": lambda table: table.to_csv(index=False),
    "index column": lambda table: table.to_csv(),
    "columns turned round": lambda table: table[table.columns[::-1]].to_csv(index=False),
    "rows turned round": lambda table: table[::-1].to_csv(index=False),
}


def answers(task, name):
    """What is known of every clip that is of use for a labeling: its labels and its part of the split."""
    labeling = task.labeling(name)
    parts = task.clips[labeling.split]
    rows = zip(task.clips["clip"], labeling.labels(task.clips), parts, strict=True)
    return {clip: (set(labels), part) for clip, labels, part in rows if labels}


@pytest.fixture(params=list(TASKS))
def pair(request, tmp_path, wav):
    """A data set in its official layout, EVAR's task over it, and EVAR's folder with its sound copied."""
    name, one = TASKS[request.param]
    official = make(name, tmp_path / "unpacked", wav)
    repository = tmp_path / "eval-audio-repr"
    (repository / "evar" / "metadata").mkdir(parents=True)
    for row in one.rows:
        there = official.root / one.locate(row["file_name"])
        prepared = repository / "work" / "16k" / one.folder / row["file_name"]
        prepared.parent.mkdir(parents=True, exist_ok=True)
        if there.exists():
            shutil.copyfile(there, prepared)
    return official, one, repository


@quiet
@pytest.mark.parametrize("form", list(FORMS))
def test_evars_table_gives_what_the_official_layout_gives(pair, form):
    official, one, repository = pair
    file = repository / "evar" / "metadata" / f"{one.task}.csv"
    file.write_text(FORMS[form](pd.DataFrame(one.rows)))
    task, ours = load_task(f"evar:{file}"), official.load()
    assert answers(task, "label") == answers(ours, one.labeling)
    assert set(task.labelings[0].classes) == set(ours.labeling(one.labeling).classes)


@quiet
def test_evars_lengths_are_the_same_either_way(pair):
    official, one, repository = pair
    file = repository / "evar" / "metadata" / f"{one.task}.csv"
    file.write_text(pd.DataFrame(one.rows).to_csv(index=False))
    task = load_task(f"evar:{file}", evar_lengths=True)
    ours = official.load(labels=[one.labeling], evar_lengths=True)
    known = dict(zip(ours.clips["clip"], map(ours.crop, range(len(ours))), strict=True))
    assert [task.crop(row) for row in range(len(task))] == [known[clip] for clip in task.clips["clip"]]


@pytest.fixture
def repository(tmp_path, wav):
    """EVAR's folder with a small task; repository(text, name) writes its table and returns its spec."""
    root = tmp_path / "repo"
    (root / "evar" / "metadata").mkdir(parents=True)
    for name in "abcd":
        wav(root / "work" / "16k" / "pets" / f"{name}.wav")

    def write(text, name="pets.csv"):
        (root / "evar" / "metadata" / name).write_text(text)
        return f"evar:{root}/evar/metadata/{name}"

    write.root = root
    return write


SPLIT = "file_name,label,split\na.wav,cat,train\nb.wav,dog,train\nc.wav,cat,valid\nd.wav,dog,test\n"


class TestLabels:
    def test_split_goes_before_fold(self, repository):
        lines = SPLIT.splitlines()
        text = "\n".join([lines[0] + ",fold", *(f"{line},{n}" for n, line in enumerate(lines[1:], 1))])
        task = load_task(repository(text))
        assert task.labelings[0].split == "split"
        assert task.clips["fold"].tolist() == ["1", "2", "3", "4"]

    def test_folds_are_numbers(self, repository):
        task = load_task(
            repository("file_name,fold,label\na.wav,1,cat\nb.wav,1,dog\nc.wav,10,cat\nd.wav,2,dog\n")
        )
        assert task.clips["fold"].tolist() == [1, 1, 10, 2]
        assert task.labelings[0].split == "fold"

    def test_rows_of_no_split_are_left_out_and_counted(self, repository):
        text = SPLIT + "e.wav,cow,\nf.wav,cow,val\ng.wav,cow,Train\n"
        with pytest.warns(
            UserWarning, match=r"left out 3 of 7 rows, whose split is not train, valid or test"
        ):
            task = load_task(repository(text))
        assert task.clips["clip"].tolist() == ["a.wav", "b.wav", "c.wav", "d.wav"]

    def test_rows_of_no_fold_are_left_out_and_counted(self, repository):
        text = "file_name,fold,label\na.wav,1,cat\nb.wav,1,dog\nc.wav,2,cat\nd.wav,,dog\n"
        with pytest.warns(UserWarning, match=r"left out 1 of 4 rows, whose fold is not the number of a fold"):
            assert len(load_task(repository(text))) == 3

    def test_a_label_that_no_training_clip_has_is_missing(self, repository):
        text = SPLIT.replace("d.wav,dog", "d.wav,cow")
        with pytest.warns(UserWarning, match="no training clip is cow: 1 clips without a label, as in EVAR"):
            task = load_task(repository(text))
        assert task.labelings[0].classes == ("cat", "dog")
        assert task.clips["label"][3] is None or pd.isna(task.clips["label"][3])

    def test_labels_that_are_numbers_lose_their_zeros_and_are_sorted_by_value(self, repository):
        text = SPLIT.replace("cat", "100").replace("dog", "021")
        task = load_task(repository(text))
        assert task.labelings[0].classes == ("21", "100")
        assert task.clips["label"].tolist() == ["100", "21", "100", "21"]

    def test_one_comma_makes_all_parts_multi_label(self, repository):
        task = load_task(repository(SPLIT.replace("b.wav,dog", 'b.wav,"dog,cat"')))
        (labeling,) = task.labelings
        assert labeling.multilabel
        assert labeling.labels(task.clips) == [["cat"], ["dog", "cat"], ["cat"], ["dog"]]

    def test_a_class_with_a_comma_is_one_class_without_a_separator(self, repository):
        task = load_task(repository(SPLIT.replace("cat", '"cat, wild"')), separator="")
        assert task.labelings[0].classes == ("cat, wild", "dog")
        assert not task.labelings[0].multilabel

    def test_other_columns_stay_and_can_be_labels(self, repository):
        lines = SPLIT.splitlines()
        text = "\n".join([f"{lines[0]},spk_id,start,mood", *(f"{x},{x[0]},9,glad" for x in lines[1:])])
        task = load_task(repository(text), labels=["mood", "spk_id"])
        assert [(one.name, one.group, one.split) for one in task.labelings] == [
            ("mood", "spk_id", "split"),
            ("spk_id", None, None),  # kept apart by the split, so no probe could be tested by it
        ]
        assert task.read(0, 16000).real == 1600

    def test_nsynths_wrong_name(self, repository):
        shutil.move(repository.root / "work/16k/pets", repository.root / "work/16k/nsynth")
        task = load_task(repository(SPLIT, "nspitch.csv.csv"), evar_lengths=True)
        assert (task.name, task.seconds) == ("nspitch", 4.0)


class TestFolders:
    def test_the_highest_rate_with_the_tasks_sound(self, repository, wav):
        spec = repository(SPLIT)
        wav(repository.root / "work" / "32k" / "pets" / "a.wav")
        (repository.root / "work" / "48k" / "pets").mkdir(parents=True)
        assert "/work/32k/pets/" in load_task(spec).clips["path"][0]

    @pytest.mark.parametrize("work", ["work", "work/16k"])
    def test_a_folder_named_by_hand(self, repository, tmp_path, work):
        spec = repository(SPLIT)
        shutil.move(repository.root / "work", tmp_path / "m@y" / "work")
        task = load_task(f"{spec}@{tmp_path / 'm@y' / work}")
        assert task.clips["path"][0] == f"{tmp_path}/m@y/work/16k/pets/a.wav"

    def test_evars_variable(self, repository, tmp_path, monkeypatch):
        spec = repository(SPLIT)
        shutil.move(repository.root / "work", tmp_path / "data" / "work")
        monkeypatch.setenv("EVAR", str(tmp_path / "data"))
        assert load_task(spec).clips["path"][0] == f"{tmp_path}/data/work/16k/pets/a.wav"

    @pytest.mark.parametrize(
        ("task", "original"),
        [("us8k", "UrbanSound8K"), ("vocalsound", "vocalsound_44k/data_44k"), ("cremad_gender", "cremad")],
    )
    def test_the_sound_before_preparation(self, repository, task, original):
        target = repository.root / "work" / "original" / original
        target.parent.mkdir(parents=True)
        shutil.move(repository.root / "work/16k/pets", target)
        assert load_task(repository(SPLIT, f"{task}.csv")).clips["path"][0] == str(target / "a.wav")

    def test_a_linked_folder_of_sound(self, repository, tmp_path):
        shutil.move(repository.root / "work/16k/pets", tmp_path / "elsewhere")
        (repository.root / "work/16k/pets").symlink_to(tmp_path / "elsewhere")
        check(load_task(repository(SPLIT)))

    def test_a_file_that_is_not_there_is_named_by_the_check(self, repository):
        (repository.root / "work/16k/pets/b.wav").unlink()
        task = load_task(repository(SPLIT))
        assert len(task) == 4
        with pytest.raises(TaskError, match=r"1 file: does not exist \(\S+/b\.wav\)"):
            check(task)

    def test_names_that_lead_out_are_refused(self, repository):
        with pytest.raises(TaskError, match=r"'\.\./\.\./a\.wav'.*expected a file within the folder"):
            load_task(repository(SPLIT + "../../a.wav,cat,train\n"))


class TestBadInput:
    def test_no_sound(self, repository):
        shutil.rmtree(repository.root / "work")
        with pytest.raises(TaskError) as caught:
            load_task(repository(SPLIT))
        message = str(caught.value)
        assert "none of its 4 files (a.wav ...) is in" in message
        assert f"{repository.root}/work/16k/pets" in message
        assert "try `evar:FILE@WORK`" in message

    @pytest.mark.parametrize("place", ["", "/evar", "/evar/metadata"])
    def test_a_folder_lists_its_tables(self, repository, place):
        repository(SPLIT)
        with pytest.raises(TaskError, match=r"is a folder; .*its tables are \S+/evar/metadata/pets\.csv"):
            load_task(f"evar:{repository.root}{place}")

    def test_a_folder_without_tables(self, tmp_path):
        with pytest.raises(TaskError, match=r"it holds no evar/metadata/\*\.csv"):
            load_task(f"evar:{tmp_path}")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("file_name,label\na.wav,cat\n", "there is no column split or fold; it has file_name, label"),
            ("label,split\ncat,train\n", "there is no column file_name; it has label, split"),
            ("file_name,split\na.wav,train\n", "there is no column label"),
            ("file_name,label,split\na.wav,cat,dev\n", "column 'split' holds dev; expected train, valid or"),
            ("file_name,label,fold\na.wav,cat,one\n", "column 'fold' holds 'one' in row 0; expected a whole"),
            ("file_name,label,split\n,cat,train\n", "a row without a file_name"),
        ],
    )
    def test_tables_that_are_not_evars(self, repository, text, message):
        with pytest.raises(TaskError, match=message):
            load_task(repository(text))

    def test_a_table_that_is_not_there(self):
        with pytest.raises(TaskError, match=r"nowhere\.csv: no such file; expected FILE or FILE@WORK"):
            load_task("evar:nowhere.csv")

    def test_a_length_that_evar_does_not_know(self, repository):
        with pytest.raises(UsageError, match=r"EVAR knows no length for evar:\S+pets\.csv"):
            load_task(repository(SPLIT), evar_lengths=True)
