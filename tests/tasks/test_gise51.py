"""GISE-51: which of its two products a folder holds, spellings of classes, and edited annotations."""

import shutil
import warnings

import pytest

from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.gise51 import CLASSES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MIXTURE = "mixtures_flac/val/soundscape_unimodal0_proc_0"


def load(root):
    return load_task(f"gise51:{root}")


def told(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    return [str(one.message) for one in caught]


def test_there_are_51_classes_in_the_order_of_the_alphabet():
    assert len(CLASSES) == 51
    assert list(CLASSES) == sorted(CLASSES)


class TestIsolated:
    @pytest.fixture
    def root(self, layout):
        return layout("gise51/isolated")

    def test_it_passes_the_check(self, root):
        task = load(root)
        check(task)
        assert (task.name, task.labeling("event").multilabel) == ("gise51", False)

    @pytest.mark.parametrize("name", ["Zipper", "Zipper_(clothing)", "Zipper_(any)"])
    def test_a_class_is_known_without_what_stands_in_parentheses(self, root, name):
        (root / "isolated_events" / "Zipper").rename(root / "isolated_events" / name)
        assert load(root).labeling("event").classes[-1] == "Zipper_(clothing)"

    def test_without_lbl_map_it_is_the_same(self, root):
        expected = load(root).fingerprint
        shutil.rmtree(root / "meta")
        assert load(root).fingerprint == expected

    def test_noises_are_no_class(self, root):
        assert f"{root}: left out 1 sounds in folders of no class or subset (noises: 1)" in told(root)

    def test_sound_beside_the_classes_is_named(self, root, wav):
        wav(root / "isolated_events" / "loose.wav")
        wav(root / "isolated_events" / "Birds" / "1.wav")
        assert any(
            "3 sounds" in one and "(isolated_events/Birds: 1, isolated_events: 1, " in one
            for one in told(root)
        )

    @pytest.mark.parametrize("folder", ["isolated_events", "."])
    def test_any_folder_above_gives_the_same_clips(self, layout, folder):
        root = layout("gise51/parts")
        assert load(root / folder).fingerprint == load(root).fingerprint

    def test_one_part_alone(self, layout):
        root = layout("gise51/parts")
        task = load(root / "isolated_events" / "eval")
        assert task.clips["clip"].tolist() == ["eval/Applause/4.wav", "eval/Zipper_(clothing)/4.wav"]
        assert set(task.clips["split"]) == {"test"}

    def test_clips_of_no_part_are_told(self, layout, wav):
        root = layout("gise51/parts")
        wav(root / "isolated_events" / "Applause" / "9.wav")
        task = load(root)
        assert task.clips.set_index("clip")["split"]["Applause/9.wav"] is None
        assert f"{root}: clips in no folder of a split: 1 (isolated_events/Applause/9.wav)" in told(root)

    @pytest.mark.parametrize("name", ["a b.wav", 'it\'s "loud".wav', "шум.WAV", "two\nlines.wav", "a,b.wav"])
    def test_odd_names(self, root, name):
        folder = root / "isolated_events" / "Applause"
        (folder / "1.wav").rename(folder / name)
        task = load(root)
        check(task)
        assert f"Applause/{name}" in set(task.clips["clip"])

    def test_a_link_to_nothing_keeps_its_row(self, root):
        (root / "isolated_events" / "Applause" / "3.wav").symlink_to(root / "gone.wav")
        with pytest.raises(TaskError, match=r"1 file.*Applause/3\.wav"):
            check(load(root))

    def test_its_own_archive(self, root):
        archive = shutil.make_archive(str(root.parent / "isolated_events"), "gztar", root / "isolated_events")
        task = load(archive)
        assert task.fingerprint == load(root).fingerprint
        assert task.read(0, 16000).real == 1600


class TestMixtures:
    @pytest.fixture
    def root(self, layout):
        return layout("gise51/mixtures")

    def test_it_passes_the_check(self, root):
        task = load(root)
        check(task)
        assert (task.name, task.labeling("event").multilabel) == ("gise51-mixtures", True)

    def test_a_label_that_occurs_twice_counts_once(self, root):
        task = load(root)
        assert task.labeling("event").membership(task.clips).sum(axis=1).tolist() == [2, 1, 1, 2, 1]

    @pytest.mark.parametrize("subset", ["train", "val", "eval"])
    def test_one_subset_alone(self, root, subset):
        whole = load(root).clips
        part = load(root / "mixtures_flac" / subset).clips
        expected = whole[whole["clip"].str.startswith(f"{subset}/")]
        assert part["clip"].tolist() == expected["clip"].tolist()
        assert part["split"].tolist() == expected["split"].tolist()

    def test_a_folder_that_is_no_subset_has_no_split(self, root):
        (root / "mixtures_flac" / "eval").rename(root / "mixtures_flac" / "mine")
        task = load(root / "mixtures_flac" / "mine")
        assert task.labeling("event").split is None
        assert "clips in no folder of a split: 1" in "".join(told(root / "mixtures_flac" / "mine"))

    def test_small_training_sets_beside_the_large_are_told(self, root):
        assert not any("training sets" in message for message in told(root))
        (root / "mixtures_flac" / "train_p2").rename(root / "mixtures_flac" / "train_5k")
        assert any("the training sets train, train_5k are all read" in message for message in told(root))

    def test_isolated_events_beside_them(self, root, wav):
        wav(root / "isolated_events" / "Applause" / "1.wav")
        wav(root / "isolated_events" / "Dog" / "1.flac")
        assert len(load(root)) == 5
        assert any(
            "holds mixtures and 2 isolated events; read are the mixtures" in message for message in told(root)
        )
        assert load(root / "isolated_events").labeling("event").classes == ("Applause", "Dog")

    def test_a_mixture_without_annotation_stays(self, root):
        (root / f"{MIXTURE}.txt").unlink()
        (root / "mixtures_flac/val/soundscape_unimodal0_proc_1.flac").write_bytes(b"")
        (root / "mixtures_flac/val/soundscape_unimodal0_proc_1.txt").write_text("0\t1\tApplause\n")
        task = load(root)
        assert task.labeling("event").labels(task.clips)[4] == []
        assert f"{root}: mixtures without a TXT file that tells events: 1 ({MIXTURE}.flac)" in told(root)

    def test_an_empty_annotation(self, root):
        (root / f"{MIXTURE}.txt").write_text("\n")
        assert any("that tells events: 1" in message for message in told(root))

    def test_an_annotation_without_sound_keeps_its_row(self, root):
        flac = root / "mixtures_flac/train/soundscape_unimodal1_proc_1.flac"
        flac.unlink()
        with pytest.raises(TaskError, match=r"1 file.*soundscape_unimodal1_proc_1\.flac"):
            check(load(root))

    def test_somebodys_notes_are_no_annotation(self, root):
        (root / "mixtures_flac" / "val" / "notes.txt").write_text("listened to all of it")
        (root / "README.txt").write_text("GISE")
        assert len(load(root)) == 5

    def test_windows_line_ends_and_a_byte_order_mark(self, root):
        expected = load(root).fingerprint
        (root / f"{MIXTURE}.txt").write_bytes(b"\xef\xbb\xbf0.0\t5.0\tApplause\r\n\r\n")
        assert load(root).fingerprint == expected

    @pytest.mark.parametrize(
        ("content", "line"),
        [
            ("0.0\t1.0\tApplause\n0.0\t1.0\tQuasar\n", r"line 2 is '0\.0\\t1\.0\\tQuasar'"),
            ("0.0 1.0 Applause\n", r"line 1 is '0\.0 1\.0 Applause'"),
            ("0.0\tApplause\n", "line 1 is"),
            ("0.0\t1.0\t\n", "line 1 is"),
            ("soon\t1.0\tApplause\n", "line 1 is"),
            ("0.0\t1.0\t3\tApplause\n", "line 1 is"),
        ],
    )
    def test_a_malformed_line_is_named(self, root, content, line):
        (root / f"{MIXTURE}.txt").write_text(content)
        with pytest.raises(TaskError, match=rf"{MIXTURE}\.txt: {line}.*expected onset, offset"):
            load(root)

    def test_an_annotation_in_another_encoding(self, root):
        (root / f"{MIXTURE}.txt").write_bytes("0\t1\tÄpplause\n".encode("latin-1"))
        with pytest.raises(TaskError, match=rf"{MIXTURE}\.txt: .*not UTF-8"):
            load(root)


class TestPacked:
    @pytest.mark.parametrize("name", ["train.lmdb", "lmdb/train.lmdb/data.mdb"])
    def test_a_folder_with_nothing_else(self, tmp_path, name):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(9))
        with pytest.raises(TaskError, match=r"is packed for the authors' training code(.|\n)*zenodo"):
            load(tmp_path)

    def test_the_file_itself(self, tmp_path):
        (tmp_path / "train.lmdb").write_bytes(bytes(9))
        with pytest.raises(TaskError, match=r"train\.lmdb is packed for the authors' training code"):
            load(tmp_path / "train.lmdb")
