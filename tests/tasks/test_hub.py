"""Data sets of Hugging Face's library `datasets`: what a task makes of them."""

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from layout_hub import dataset

from otoscope import audio
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks import TaskError, load_task

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The library's cache, and no network."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


@pytest.fixture
def files(tmp_path, wav):
    return [wav(tmp_path / "sources" / f"{row}.wav", 8000 + 100 * row) for row in range(12)]


def save(made, folder, **options) -> str:
    made.save_to_disk(folder, **options)
    return f"hf:{folder}"


def of(files, kinds=None, **columns):
    return dataset(files, columns, kinds or {})


def same_sound(task, files):
    """Whether every clip of a task has the bytes of its file."""
    hashes = [audio.content_hash(path) for path in task.clips["path"]]
    return hashes == [audio.content_hash(file) for file in files]


def external(folder, column, paths, labels=("x", "y")):
    """A saved folder that names files, as `datasets` before 2.3 wrote it: this one takes their bytes in."""
    features = datasets.Features({"audio": datasets.Audio(), column: datasets.Value("string")})
    sounds = pa.array([{"bytes": None, "path": path} for path in paths], datasets.Audio.pa_type)
    cells = [labels[row % len(labels)] for row in range(len(paths))]
    table = pa.table({"audio": sounds, column: cells}, schema=features.arrow_schema)
    folder.mkdir(parents=True)
    with (folder / "dataset.arrow").open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    (folder / "dataset_info.json").write_text(json.dumps({"features": features.to_dict()}))
    state = {"_data_files": [{"filename": "dataset.arrow"}], "_fingerprint": "0", "_split": None}
    state |= {
        "_format_type": None,
        "_format_kwargs": {},
        "_format_columns": None,
        "_output_all_columns": False,
    }
    (folder / "state.json").write_text(json.dumps(state))
    return f"hf:{folder}"


class TestSound:
    def test_it_is_read_from_the_arrow_files(self, tmp_path, files):
        task = load_task(save(of(files, label=list("ab") * 6), tmp_path / "saved", num_shards=5))
        assert same_sound(task, files)
        assert len({path.partition("::")[2] for path in task.clips["path"]}) == 5
        for row, file in enumerate(files):
            np.testing.assert_array_equal(task.read(row, 16000).samples, audio.read(file, 16000).samples)

    @pytest.mark.parametrize("chosen", ["select", "filter", "shuffle"])
    def test_a_choice_of_rows_keeps_sound_and_labels_together(self, tmp_path, files, chosen):
        made = of(files, label=list("ab") * 6, number=list(range(12)))
        made = {
            "select": lambda: made.select([7, 2, 2, 11]),
            "filter": lambda: made.filter(lambda number: number % 3 == 1, input_columns="number"),
            "shuffle": lambda: made.shuffle(seed=0),
        }[chosen]()
        numbers = made["number"][:]
        assert numbers != sorted(numbers) or chosen == "filter"
        task = load_task(save(made, tmp_path / "saved"))
        assert same_sound(task, [files[number] for number in numbers])
        assert task.clips["label"].tolist() == ["ab"[number % 2] for number in numbers]

    def test_old_folders_with_a_choice_of_rows_beside_them_are_refused(self, tmp_path, files):
        spec = save(of(files, label=list("ab") * 6), tmp_path / "saved")
        state = tmp_path / "saved" / "state.json"
        said = json.loads(state.read_text())
        state.write_text(json.dumps(said | {"_indices_data_files": [{"filename": "indices.arrow"}]}))
        with pytest.raises(TaskError, match=r"state\.json: an old version .* would not heed; try opening it"):
            load_task(spec)
        state.write_text(json.dumps(said | {"_indices_data_files": None}))
        assert len(load_task(spec)) == 12

    def test_a_worker_reads_it_without_the_library(self, tmp_path, files):
        task = load_task(save(of(files, label=list("ab") * 6), tmp_path / "saved"))
        (tmp_path / "task.pickle").write_bytes(pickle.dumps(task))
        program = (
            "import hashlib, pickle, sys\n"
            "task = pickle.load(open(sys.argv[1], 'rb'))\n"
            "print(hashlib.sha256(task.read(3, 16000).samples.tobytes()).hexdigest())\n"
            "assert 'datasets' not in sys.modules\n"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "task.pickle")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        expected = hashlib.sha256(audio.read(files[3], 16000).samples.tobytes()).hexdigest()
        assert done.stdout.strip() == expected

    def test_files_that_it_names_are_opened_where_they_lie(self, tmp_path, files, monkeypatch):
        monkeypatch.chdir(tmp_path)
        names = [str(files[0]), "sources/1.wav", "sources/2.wav", str(files[3])]
        task = load_task(external(tmp_path / "saved", "label", names))
        assert task.clips["path"].tolist() == [str(file) for file in files[:4]]
        assert task.clips["clip"].tolist() == ["0.wav", "1.wav", "2.wav", "3.wav"]
        monkeypatch.chdir("/")
        assert task.read(1, 16000).real

    def test_rows_without_sound_are_left_out_and_told(self, tmp_path, files):
        names = [str(files[0]), None, str(files[2]), str(files[3]), str(files[4]), None]
        with pytest.warns(UserWarning, match=r"saved: left out 2 rows without sound: 1, 5$"):
            task = load_task(external(tmp_path / "saved", "label", names))
        assert task.clips["clip"].tolist() == ["0", "2", "3", "4"]  # not all rows have a file's name

    def test_a_sound_that_cannot_be_decoded_is_named(self, tmp_path, files):
        files[1].write_bytes(b"")
        files[2].write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
        task = load_task(save(of(files[:4], label=list("abab")), tmp_path / "saved"))
        with pytest.raises(audio.AudioError, match=r"arrow://audio/1::.*arrow: is empty"):
            task.read(1, 16000)
        with pytest.raises(audio.AudioError, match=r"arrow://audio/2::.*arrow: is a Git-LFS pointer"):
            task.read(2, 16000)


class TestColumns:
    def test_declared_classes_keep_their_order_and_their_commas(self, tmp_path, files):
        names = ["Zebra", "Bark, woof", "never seen", "ant"]
        kinds = {"kind": datasets.ClassLabel(names=names)}
        made = of(files[:6], kinds, kind=[0, 1, 3, None, -1, 0], mood=list("ababab"))
        (labeling,) = load_task(save(made, tmp_path / "saved")).labelings
        assert (labeling.name, labeling.classes) == ("kind", ("Zebra", "Bark, woof", "ant"))
        assert not labeling.multilabel
        task = load_task(f"hf:{tmp_path / 'saved'}")
        assert labeling.labels(task.clips) == [["Zebra"], ["Bark, woof"], ["ant"], [], [], ["Zebra"]]

    def test_lists_are_multilabel(self, tmp_path, files):
        kinds = {"tags": datasets.List(datasets.ClassLabel(names=["x", "a"]))}
        cells = [[0], [0, 1], [], None, [1, -1]]
        task = load_task(save(of(files[:5], kinds, tags=cells), tmp_path / "declared"))
        labeling = task.labeling("tags")
        assert (labeling.classes, labeling.multilabel) == (("x", "a"), True)
        assert labeling.labels(task.clips) == [["x"], ["x", "a"], [], [], ["a"]]
        texts = [["one, two"], ["one, two", "b"], ["b"], None, []]
        task = load_task(save(of(files[:5], tags=texts), tmp_path / "texts"))
        assert task.labeling("tags").labels(task.clips) == [["one, two"], ["one, two", "b"], ["b"], [], []]

    def test_texts_numbers_and_truth_values(self, tmp_path, files):
        made = of(
            files[:4],
            mood=["calm", "glad", None, "calm"],
            indoors=[True, False, True, None],
            octave=[10, 9, 10, None],
            level=[0.5, 0.25, 0.5, 0.25],
        )
        spec = save(made, tmp_path / "saved")
        task = load_task(spec, labels=["octave", "indoors", "mood"])
        assert [labeling.classes for labeling in task.labelings] == [
            ("9", "10"),
            ("False", "True"),
            ("calm", "glad"),
        ]
        assert task.labeling("octave").labels(task.clips) == [["10"], ["9"], ["10"], []]
        task.clips.to_parquet(tmp_path / "clips.parquet")
        again = pd.read_parquet(tmp_path / "clips.parquet")
        assert task.labeling("octave").labels(again) == [["10"], ["9"], ["10"], []]

    def test_commas_and_separators_in_texts(self, tmp_path, files):
        spec = save(
            of(files[:4], tags=["a,b", "a", "b", "a,b"], pipes=["a|b", "a", "b", "a"]), tmp_path / "s"
        )
        assert load_task(spec, labels=["tags"]).labelings[0].classes == ("a", "b")
        assert load_task(spec, labels=["tags"], separator="").labelings[0].classes == ("a", "a,b", "b")
        assert load_task(spec, labels=["pipes"], separator="|").labelings[0].classes == ("a", "b")

    def test_columns_that_would_mean_another_thing_are_not_taken(self, tmp_path, files):
        made = of(
            files[:4], label=list("abab"), start=[5.0] * 4, stop=[6.0] * 4, path=["x"] * 4, clip=["x"] * 4
        )
        made = made.add_column("tokens", [1] * 4).add_column("nested", [{"a": 1}] * 4)
        task = load_task(save(made, tmp_path / "saved"))
        assert list(task.clips) == ["label", "path", "clip"]
        assert task.clips["clip"].tolist() == ["0.wav", "1.wav", "2.wav", "3.wav"]
        assert task.read(0, 16000).real

    def test_groups_are_guessed_as_a_manifest_does(self, tmp_path, files):
        made = of(files[:4], label=list("abab"), speaker_id=[1, 1, 2, 2])
        assert load_task(save(made, tmp_path / "saved")).labelings[0].group == "speaker_id"

    def test_no_column_of_labels(self, tmp_path, files):
        spec = save(of(files[:3], title=list("abc")), tmp_path / "saved")
        with pytest.raises(
            TaskError, match=r"saved: no column looks like labels; .*it has title, path, clip"
        ):
            load_task(spec)
        with pytest.raises(TaskError, match=r"saved: there is no column mood; it has title, path, clip"):
            load_task(spec, labels=["mood"])

    def test_nothing_but_sound(self, tmp_path, files):
        with pytest.raises(TaskError, match=r"saved: no column looks like labels; .*it has path, clip; try"):
            load_task(save(of(files[:3]), tmp_path / "saved"))

    def test_declared_classes_that_no_clip_bears(self, tmp_path, files):
        kinds = {"label": datasets.ClassLabel(names=["a", "b"])}
        spec = save(of(files[:4], kinds, label=[-1] * 4, mood=list("abab")), tmp_path / "saved")
        with pytest.warns(UserWarning, match="no clip has a label in the column label; left out"):
            assert [labeling.name for labeling in load_task(spec).labelings] == ["mood"]
        with pytest.raises(TaskError, match="no clip has a label in the column label; try another"):
            load_task(spec, labels=["label"])

    def test_no_audio_column(self, tmp_path):
        spec = save(datasets.Dataset.from_dict({"label": ["a", "b"]}), tmp_path / "saved")
        with pytest.raises(
            TaskError, match=r"no column is of the kind Audio; it has label \(Value\); try `dat"
        ):
            load_task(spec)

    def test_two_audio_columns(self, tmp_path, files):
        made = of(files[:2], label=["a", "b"])
        other = made.rename_column("audio", "clean").remove_columns("label")
        spec = save(datasets.concatenate_datasets([made, other], axis=1), tmp_path / "saved")
        with pytest.raises(
            TaskError, match=r"columns audio, clean are all .*; try `dataset\.remove_columns\(\["
        ):
            load_task(spec)

    def test_an_audio_column_of_another_name(self, tmp_path, files):
        made = of(files[:4], label=list("abab")).rename_column("audio", "my sound/A")
        assert same_sound(load_task(save(made, tmp_path / "saved")), files[:4])


class TestSplits:
    def parts(self, files, *names):
        labels = list("ab") * 6
        return datasets.DatasetDict(
            {name: of(files[at * 2 : at * 2 + 2], label=labels[:2]) for at, name in enumerate(names)}
        )

    def test_their_first_part_tells(self, tmp_path, files):
        names = ("train.clean.100", "train.other.500", "dev-clean", "Test_other")
        made = self.parts(files, *(name.replace("-", "_") for name in names))
        task = load_task(save(made, tmp_path / "saved"))
        assert task.clips["split"].tolist() == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
        assert task.labelings[0].split == "split"

    def test_others_are_left_out_and_told(self, tmp_path, files):
        spec = save(self.parts(files, "train", "test", "unsupervised"), tmp_path / "saved")
        with pytest.warns(UserWarning, match=r"left out its split 'unsupervised' of 2 rows: not of train"):
            assert len(load_task(spec)) == 4

    def test_fewer_than_two_parts_are_no_split(self, tmp_path, files):
        for names in (("train",), ("train.a", "train.b"), ("one", "two"), ("train", "more")):
            task = load_task(save(self.parts(files, *names), tmp_path / "-".join(names)))
            assert len(task) == 2 * len(names)
            assert task.labelings[0].split is None

    def test_a_column_of_folds_counts_where_there_is_but_one(self, tmp_path, files):
        made = datasets.DatasetDict({"train": of(files[:4], label=list("abab"), fold=[1, 1, 2, 2])})
        task = load_task(save(made, tmp_path / "saved"))
        assert task.labelings[0].split == "fold"
        assert task.clips["fold"].tolist() == [1, 1, 2, 2]

    def test_splits_that_share_names_of_files_are_told_apart(self, tmp_path, wav):
        parts = {}
        for name in ("train", "test"):
            here = [wav(tmp_path / name / f"{row}.wav") for row in range(2)]
            parts[name] = of(here, label=["a", "b"])
        task = load_task(save(datasets.DatasetDict(parts), tmp_path / "saved"))
        assert task.clips["clip"].tolist() == ["train/0", "train/1", "test/0", "test/1"]

    def test_classes_in_another_order_in_each_split(self, tmp_path, files):
        orders = {"train": ["b", "a"], "test": ["c", "a", "b"]}
        parts = {
            name: of(files[at : at + 2], {"label": datasets.ClassLabel(names=order)}, label=[0, 1])
            for at, (name, order) in zip((0, 2), orders.items(), strict=True)
        }
        for name, part in parts.items():
            part.save_to_disk(tmp_path / "saved" / name)
        (tmp_path / "saved" / "dataset_dict.json").write_text(json.dumps({"splits": list(parts)}))
        task = load_task(f"hf:{tmp_path / 'saved'}")
        assert task.clips["label"].tolist() == ["b", "a", "c", "a"]
        assert task.labelings[0].classes == ("b", "a", "c")

    def test_a_split_without_rows(self, tmp_path, files):
        made = self.parts(files, "train", "test")
        made["validation"] = made["test"].select([])
        with pytest.raises(
            TaskError, match=r"validation/state\.json: is of a split without rows; expected some"
        ):
            load_task(save(made, tmp_path / "saved"))


class TestPlaces:
    def test_an_audiofolder_needs_no_torchcodec(self, tmp_path, wav, cache):
        for name in ("dog/1.wav", "dog/2.flac", "cat/3.wav", "cat/4.wav"):
            wav(tmp_path / "pets" / name)
        task = load_task(f"hf:{tmp_path / 'pets'}")
        assert task.labelings[0].classes == ("cat", "dog")
        assert sorted(task.clips["clip"]) == ["1.wav", "2.flac", "3.wav", "4.wav"]
        assert [Path(path).parent.name for path in task.clips["path"]] == task.clips["label"].tolist()
        assert task.read(0, 16000).real
        assert list(cache.iterdir())

    def test_parquet_files(self, tmp_path, files):
        kinds = {"label": datasets.ClassLabel(names=["z", "a"])}
        for name, at in (("train", 0), ("test", 4)):
            made = of(files[at : at + 4], kinds, label=[0, 1, 0, 1])
            (tmp_path / "pets").mkdir(exist_ok=True)
            made.to_parquet(tmp_path / "pets" / f"{name}.parquet")
        task = load_task(f"hf:{tmp_path / 'pets'}")
        assert task.labelings[0].classes == ("z", "a")
        assert task.clips["split"].tolist() == ["train"] * 4 + ["test"] * 4
        assert same_sound(task, files[:8])

    def test_configurations(self, tmp_path, files):
        root = tmp_path / "two@home"
        for name in ("en", "de"):
            (root / name).mkdir(parents=True)
            of(files[:4], label=list("abab")).to_parquet(root / name / "train.parquet")
        configs = "".join(f"- config_name: {n}\n  data_files: {n}/*.parquet\n" for n in ("en", "de"))
        (root / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
        task = load_task(f"hf:{root}@de")
        assert (task.name, len(task)) == ("two@home-de", 4)
        with pytest.raises(
            TaskError, match=r"Config name is missing.*'en', 'de'.*; try hf:.*two@home@CONFIG"
        ):
            load_task(f"hf:{root}")
        with pytest.raises(TaskError, match=r"'fr' not found.*; try hf:.*two@home@CONFIG"):
            load_task(f"hf:{root}@fr")
        saved = save(of(files[:4], label=list("abab")), tmp_path / "saved")
        with pytest.raises(UsageError, match=r"saved was saved by save_to_disk, .*; leave out @de"):
            load_task(f"{saved}@de")

    def test_a_name_on_the_hub_without_network(self):
        with pytest.raises(
            TaskError,
            match=r"PolyAI/minds14 is neither a folder here nor in the local cache, and .* reached; .*",
        ) as caught:
            load_task("hf:PolyAI/minds14@en-US")
        assert "try hf:FOLDER with a folder that save_to_disk wrote" in str(caught.value)

    def test_where_the_hub_is_not_known_it_is_not_waited_for(self, monkeypatch):
        def unknown(*_):
            raise OSError("Name or service not known")

        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr("socket.getaddrinfo", unknown)
        monkeypatch.setattr("otoscope.tasks.own.hub_opening.getproxies", dict)
        monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waits and tries again"))
        with pytest.raises(TaskError, match="hub cannot be reached; expected a network, or a folder"):
            load_task("hf:PolyAI/minds14")
        assert datasets.config.HF_HUB_OFFLINE is False

    def test_a_data_set_that_the_hub_does_not_give(self, monkeypatch):
        def refuse(*_, **__):
            raise datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' is a gated dataset on the Hub.")

        monkeypatch.setattr(datasets, "load_dataset", refuse)
        with pytest.raises(
            TaskError, match=r"that you may read \(.*gated.*\); try another name, `hf auth login`"
        ):
            load_task("hf:a/b")

    def test_code_is_never_run(self, tmp_path):
        (tmp_path / "pets").mkdir()
        (tmp_path / "pets" / "pets.py").write_text("raise SystemExit('was run')")
        with pytest.raises(TaskError, match="pets brings code of its own, which is never run"):
            load_task(f"hf:{tmp_path / 'pets'}")

    def test_folders_that_are_no_data_set(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(
            TaskError, match=r"empty: is no data set that `datasets` can load .*try `folder:` or"
        ):
            load_task(f"hf:{tmp_path / 'empty'}")
        with pytest.raises(TaskError, match=r"nowhere: no such folder; expected one that save_to_disk wrote"):
            load_task(f"hf:{tmp_path / 'nowhere'}")
        (tmp_path / "file").write_text("")
        with pytest.raises(TaskError, match=r"file: is a file; expected a folder; try hf:"):
            load_task(f"hf:{tmp_path / 'file'}")

    @pytest.mark.parametrize("broken", ["data-00000-of-00001.arrow", "state.json", "dataset_info.json"])
    @pytest.mark.parametrize("how", ["gone", "empty", "cut"])
    def test_saved_folders_that_are_damaged(self, tmp_path, files, broken, how):
        spec = save(of(files[:4], label=list("abab")), tmp_path / "saved")
        path = tmp_path / "saved" / broken
        if how == "gone":
            path.unlink()
            if broken == "state.json":  # a folder with an Arrow file, which load_dataset takes
                assert same_sound(load_task(spec), files[:4])
                return
        else:
            path.write_bytes(path.read_bytes()[: 0 if how == "empty" else 40])
        with pytest.raises(
            TaskError,
            match=r"saved.*(as save_to_disk writes it|is no data set|does not exist|Arrow stream)",
        ):
            load_task(spec)

    @pytest.mark.parametrize(
        "name", ["../saved/data-00000-of-00001.arrow", "{here}/data-00000-of-00001.arrow"]
    )
    def test_nothing_outside_the_folder_is_opened(self, tmp_path, files, name):
        spec = save(of(files[:4], label=list("abab")), tmp_path / "saved")
        state = tmp_path / "saved" / "state.json"
        said = json.loads(state.read_text())
        said["_data_files"] = [{"filename": name.format(here=tmp_path / "saved")}]
        state.write_text(json.dumps(said))
        with pytest.raises(TaskError, match=r"state\.json: names '.*', which leads out of the folder"):
            load_task(spec)

    def test_without_the_library(self, tmp_path, files, monkeypatch):
        spec = save(of(files[:4], label=list("abab")), tmp_path / "saved")
        monkeypatch.setitem(sys.modules, "datasets", None)
        with pytest.raises(OtoscopeError, match=r"not installed; try pip install 'otoscope\[datasets\]'"):
            load_task(spec)

    def test_citation_and_licence_are_the_data_sets(self, tmp_path, files):
        made = of(files[:4], label=list("abab"))
        made.info.citation, made.info.license = "Somebody 2020", "CC0"
        task = load_task(save(made, tmp_path / "saved"))
        assert (task.name, task.citation, task.licence) == ("saved", "Somebody 2020", "CC0")
