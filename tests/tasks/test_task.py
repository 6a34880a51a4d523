"""Task and Labeling: answers known on paper, laws, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.errors import UsageError
from otoscope.tasks import Labeling, Task, TaskError
from otoscope.tasks.cells import class_names
from otoscope.tasks.spread import spread


def clips(**columns):
    count = len(next(iter(columns.values())))
    names = [f"{index}.wav" for index in range(count)]
    return pd.DataFrame({"clip": names, "path": names, **columns})


def task(labeling=None, **columns):
    table = clips(**columns)
    return Task("toy", table, (labeling or Labeling.of(table, next(iter(columns))),))


class TestMembership:
    def test_single_labels(self):
        labeling = Labeling("pet", "pet", ("dog", "cat"))
        member = labeling.membership(clips(pet=["cat", None, "dog", ""]))
        assert member.astype(int).tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]

    @pytest.mark.parametrize("cells", [["a,b", "b , c", None], [["a", "b"], np.array(["b", "c"]), []]])
    def test_several_labels_joined_by_commas_or_in_lists(self, cells):
        labeling = Labeling("event", "event", ("a", "b", "c"), multilabel=True)
        member = labeling.membership(clips(event=pd.Series(cells, dtype=object)))
        assert member.astype(int).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]

    def test_a_label_repeated_in_a_cell_counts_once(self):
        labeling = Labeling("event", "event", ("a", "b"), multilabel=True)
        assert labeling.membership(clips(event=["a,b,a"])).astype(int).tolist() == [[1, 1]]

    def test_a_comma_in_a_single_label_is_part_of_its_name(self):
        labeling = Labeling("city", "city", ("Nice, France",))
        assert labeling.membership(clips(city=["Nice, France"])).all()

    def test_a_name_with_brackets_blanks_and_hyphens_stays_whole(self):
        names = ("Bathtub_(filling)", "Hi-hat", "throat clearing")
        assert (
            Labeling("x", "x", names).membership(clips(x=list(names))).tolist()
            == np.eye(3, dtype=bool).tolist()
        )

    @pytest.mark.parametrize("cells", [[60, 100], [60.0, np.nan], ["60", "100"], [np.int64(60), 100]])
    def test_numbers_are_labels_however_a_table_holds_them(self, cells):
        labeling = Labeling("pitch", "pitch", ("60", "100"))
        assert labeling.membership(clips(pitch=cells))[0].tolist() == [True, False]

    def test_a_label_that_is_no_class(self):
        labeling = Labeling("pet", "pet", ("cat", "dog"))
        with pytest.raises(TaskError, match=r"column 'pet' holds cow, not listed by .*\['cat', 'dog'\]"):
            labeling.membership(clips(pet=["cat", "cow"]))

    @given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=20))
    def test_a_row_names_exactly_the_labels_of_its_cell(self, rows):
        table = clips(event=[",".join(row) for row in rows])
        labeling = Labeling("event", "event", tuple("abcd"), multilabel=True)
        member = labeling.membership(table)
        assert [{"abcd"[index] for index in np.flatnonzero(row)} for row in member] == list(map(set, rows))
        assert labeling.labels(table) == [list(dict.fromkeys(row)) for row in rows]


class TestClasses:
    @pytest.mark.parametrize(
        ("cells", "expected"),
        [
            (["dog", "Cat", "ant"], ("Cat", "ant", "dog")),
            ([100, 21, 60], ("21", "60", "100")),
            (["100", "21", "-1"], ("-1", "21", "100")),
            (["100", "21", "x"], ("100", "21", "x")),
            ([0.5, np.nan, 0.25], ("0.25", "0.5")),
            ([True, False], ("False", "True")),
            (["nan", "1"], ("1", "nan")),
            ([None, None], ()),
        ],
    )
    def test_they_are_sorted_and_numbers_by_value(self, cells, expected):
        assert class_names(pd.Series(cells), multilabel=False) == expected

    def test_a_class_listed_twice(self):
        with pytest.raises(TaskError, match=r"lists \['a'\] more than once"):
            Labeling("x", "x", ("a", "b", "a"))

    def test_a_taxonomy_of_other_classes(self):
        with pytest.raises(
            TaskError, match=r"taxonomy of labeling 'x' names \['c'\]; its classes are \['a'\]"
        ):
            Labeling("x", "x", ("a",), taxonomy={"c": "letter"})


class TestGroups:
    def test_they_are_numbered(self):
        labeling = Labeling("pet", "pet", ("cat",), group="owner")
        table = clips(pet=["cat", "cat", None, "cat"], owner=["b", "a", None, "b"])
        assert labeling.groups(table).tolist() == [0, 1, -1, 0]
        assert Labeling("pet", "pet", ("cat",)).groups(table) is None

    def test_a_labelled_clip_without_group(self):
        labeling = Labeling("pet", "pet", ("cat",), group="owner")
        with pytest.raises(TaskError, match=r"1 clips have a label but no owner \(1\.wav\)"):
            task(labeling, pet=["cat", "cat", None], owner=["a", None, None])


class TestSplits:
    @pytest.mark.parametrize(("cells", "part"), [(["train", "test", None], "test"), ([1, 2, np.nan], "2")])
    def test_the_clips_of_a_part(self, cells, part):
        table = clips(pet=["cat", "dog", None], where=cells)
        assert Labeling.of(table, "pet", split="where").in_split(table, part).tolist() == [False, True, False]

    def test_a_part_that_is_none(self):
        table = clips(pet=["cat", "dog"], fold=[10, 2])
        with pytest.raises(UsageError, match="labeling 'pet' has no part '3'; its parts are 2, 10"):
            Labeling.of(table, "pet", split="fold").in_split(table, "3")
        with pytest.raises(UsageError, match="labeling 'pet' has no split, so no part 'test'"):
            Labeling.of(table, "pet").in_split(table, "test")


class TestTask:
    def test_it_names_a_missing_label_column_and_those_there(self):
        with pytest.raises(
            TaskError, match=r"no label column 'mood'; the columns are \['clip', 'path', 'pet'\]"
        ):
            task(Labeling("mood", "mood", ("calm",)), pet=["cat"])

    @pytest.mark.parametrize("role", ["group", "split"])
    def test_it_names_a_missing_column_of_groups_or_splits(self, role):
        with pytest.raises(TaskError, match=f"no {role} column 'other'"):
            task(Labeling("pet", "pet", ("cat",), **{role: "other"}), pet=["cat"])

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (clips(x=["a"]).drop(columns="path"), r"has no column \['path'\]"),
            (clips(x=["a"]).iloc[:0], "holds no clips"),
            (clips(x=["a", "b"]).assign(clip="same"), r"1 clip names occur more than once \(same\)"),
            (clips(x=["a"]).assign(tokens=3), r"column \['tokens'\] would hide"),
        ],
    )
    def test_what_a_table_must_have(self, table, message):
        with pytest.raises(TaskError, match=message):
            Task("toy", table, ())

    def test_two_labelings_of_one_name(self):
        table = clips(x=["a", "b"])
        with pytest.raises(TaskError, match="expected distinct names"):
            Task("toy", table, (Labeling.of(table, "x"), Labeling.of(table, "x")))

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
    def test_a_length_that_is_none(self, seconds):
        with pytest.raises(UsageError, match=f"seconds is {seconds}; expected a positive length"):
            Task("toy", clips(x=["a"]), (), seconds=seconds)

    def test_an_unknown_labeling_is_answered_with_those_there(self):
        with pytest.raises(UsageError, match="no labeling 'mood'; it has: pet"):
            task(pet=["cat"]).labeling("mood")

    def test_its_table_is_its_own(self):
        table = clips(pet=["cat", "dog"])
        made = Task("toy", table, (Labeling.of(table, "pet"),))
        table.loc[0, "pet"] = "cow"
        assert made.clips["pet"].tolist() == ["cat", "dog"]

    def test_paths_do_not_enter_the_fingerprint_and_the_rest_does(self):
        table = clips(pet=["cat", "dog"], owner=["a", "b"], note=["x", "y"])
        labeling = Labeling("pet", "pet", ("cat", "dog"), group="owner")
        base = Task("toy", table, (labeling,)).fingerprint
        assert Task("other", table.assign(path="z", note="z"), (labeling,)).fingerprint == base
        changed = [
            Task("toy", table.assign(clip=["p", "q"]), (labeling,)),
            Task("toy", table.assign(owner=["a", "a"]), (labeling,)),
            Task("toy", table.assign(start=[0.0, 1.0]), (labeling,)),
            Task("toy", table, (Labeling("pet", "pet", ("dog", "cat"), group="owner"),)),
            Task("toy", table, (labeling,), seconds=2),
        ]
        assert len({base, *(one.fingerprint for one in changed)}) == 6

    def test_it_reads_the_part_that_its_table_names(self, tmp_path, wav):
        path = str(wav(tmp_path / "a.wav", seconds=1))
        table = pd.DataFrame({"clip": ["a", "b"], "path": path, "start": [0.5, None], "stop": [0.75, None]})
        lengths = [Task("toy", table, ()).read(index, 16000).real for index in range(2)]
        assert lengths == [4000, 16000]

    def test_it_says_what_it_is(self):
        assert repr(task(pet=["cat", "dog"])) == "Task('toy', 2 clips, labelings: pet (2))"


class TestHead:
    def test_it_is_not_fooled_by_a_table_that_alternates(self):
        assert task(pet=["cat", "dog"] * 10).head(10).clips["pet"].value_counts().to_dict() == {
            "cat": 5,
            "dog": 5,
        }

    def test_more_than_there_are_is_all(self):
        whole = task(pet=["cat", "dog"])
        assert whole.head(5) is whole

    def test_none_is_refused(self):
        with pytest.raises(UsageError, match="the number of clips is 0"):
            task(pet=["cat", "dog"]).head(0)

    @given(st.lists(st.sampled_from("aaaabbc"), min_size=2, max_size=60), st.data())
    def test_each_class_gets_its_share_and_one_at_least(self, labels, data):
        n = data.draw(st.integers(1, len(labels) - 1))
        chosen = spread(labels, n)
        assert len(np.unique(chosen)) == n
        assert (np.diff(chosen) > 0).all()
        kept = [labels[index] for index in chosen]
        for name in set(labels):
            share = n * labels.count(name) / len(labels)
            assert kept.count(name) <= max(np.ceil(share), 1)
            assert kept.count(name) >= 1 or n < len(set(labels))
