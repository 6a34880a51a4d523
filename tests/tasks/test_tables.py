"""Tables as people save them, and what is said of those that cannot be read."""

import json

import pandas as pd
import pytest

from otoscope.tasks import TaskError
from otoscope.tasks.tables import read_document, read_lines, read_table


@pytest.fixture
def read(tmp_path):
    """Read a table of these bytes, or of this text in UTF-8."""

    def write(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return write


class TestText:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_line_ends_and_a_byte_order_mark(self, read, end, mark):
        table = read(mark + end.join(["file,label", "a.wav,dog", "b.wav,cat", ""]))
        assert table.to_dict("list") == {"file": ["a.wav", "b.wav"], "label": ["dog", "cat"]}

    def test_quoted_cells(self, read):
        table = read('file,label\n"a, ""b""\r\nc.wav","dog\nhouse"\nd.wav,cat\n')
        assert table["file"][0] == 'a, "b"\r\nc.wav'
        assert table["label"].tolist() == ["dog\nhouse", "cat"]

    def test_cells_stay_text_and_empty_ones_are_missing(self, read):
        table = read("a,b,c\n007,NA,\n1.50,None,nan\n\n")
        assert table["a"].tolist() == ["007", "1.50"]
        assert table["b"].tolist() == ["NA", "None"]
        assert table["c"].isna().tolist() == [True, False]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.csv", "a;b\n1,5;2"),
            ("a.csv", "a\tb\n1,5\t2"),
            ("a.txt", "a\tb\n1,5\t2"),
            ("a.tsv", "a\tb\n1,5\t2"),
        ],
    )
    def test_what_separates(self, read, name, content):
        assert read(content, name).to_dict("list") == {"a": ["1,5"], "b": ["2"]}

    def test_empty_cells_beyond_the_header_are_none(self, read):
        assert read("a,b\n1,2,\n3,4,,\n")["b"].tolist() == ["2", "4"]

    def test_blanks_around_the_names_of_columns_go(self, read):
        assert list(read("file , label\na,b\n")) == ["file", "label"]


class TestOtherKinds:
    def test_json_lines_keep_their_types(self, read):
        rows = [{"file": "007", "tags": ["a"], "n": 1}, {"file": "ä\u2028", "tags": []}]
        table = read("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "a.jsonl")
        assert table["file"].tolist() == ["007", "ä\u2028"]
        assert table["tags"].tolist() == [["a"], []]

    def test_parquet_keeps_its_attributes(self, tmp_path):
        table = pd.DataFrame({"a": [1]})
        table.attrs["otoscope"] = {"name": "x", "labelings": [{"classes": ["a"]}]}
        table.to_parquet(tmp_path / "a.parquet")
        assert read_table(tmp_path / "a.parquet").attrs == table.attrs


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", "\ufeff", "it is empty"),
        (
            "a.csv",
            "file,label\nTräne,x\n".encode("latin-1"),
            r"not UTF-8: byte 0xe4 in line 2, in Latin-1 'Träne,x'",
        ),
        ("a.csv", "file,label\na,x\n".encode("utf-16"), "not UTF-8 but UTF-16"),
        ("a.csv", "file,label\na,x\n".encode("utf-16-le"), "holds a NUL in line 1"),
        ("a.csv", "file,label\na\0,x\n", "holds a NUL in line 2"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "line 3: it has 3 cells, the header 2"),
        ("a.csv", "a,b\n1,2,3\n1,2,3\n", "line 2: it has 3 cells, the header 2"),
        ("a.csv", "a,b\n1,2\n1\n", "line 3: it has 1 cells, the header 2"),
        ("a.csv", 'a,b\n1,"2\n1,2\n', "line 3: unexpected end of data"),
        ("a.csv", "a,b, a\n1,2,3\n", "more than one column 'a'; try renaming"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2 is no JSON"),
        ("a.jsonl", '[{"a": 1}]', r"line 1 holds '\[\{\"a\": 1\}\]'; expected an object"),
        ("a.jsonl", "\n", "it is empty"),
        ("a.parquet", b"PAR1" * 9, "."),
        ("a.parquet", b"", "."),
    ],
)
def test_what_cannot_be_read_is_told(read, name, content, message):
    with pytest.raises(TaskError, match=rf"{name}: cannot be read as a table \(.*{message}.*; expected CSV"):
        read(content, name)


def test_lists_and_documents_in_other_encodings(tmp_path):
    (tmp_path / "a.txt").write_bytes("Träne\n".encode("latin-1"))
    for read in (read_lines, read_document):
        with pytest.raises(TaskError, match=r"a\.txt: .*is not UTF-8: byte 0xe4 in line 1.*iconv"):
            read(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_bytes("\ufeff a \r\n\r\nb".encode())
    assert read_lines(tmp_path / "b.txt") == ["a", "b"]


def test_lines_end_at_line_ends_only(tmp_path):
    (tmp_path / "list.txt").write_bytes("a\u2028b.wav\r\nc\x0cd.wav\re.wav\n\n".encode())
    assert read_lines(tmp_path / "list.txt") == ["a\u2028b.wav", "c\x0cd.wav", "e.wav"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[" * 100_000 + "]" * 100_000, "nested too deep"), ('{"a": "\\ud83d"}', "surrogates not allowed")],
)
def test_documents_that_parse_and_cannot_be_used(tmp_path, read, text, problem):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(TaskError, match=rf"a\.json: is no JSON \(.*{problem}.*\); try getting it again"):
        read_document(tmp_path / "a.json")
    with pytest.raises(TaskError, match=rf"line 1 is no JSON: .*{problem}"):
        read(text, "a.jsonl")


def test_whole_characters_in_json_are_text(tmp_path):
    (tmp_path / "a.json").write_text('"\\ud83d\\ude00"')
    assert read_document(tmp_path / "a.json") == "\U0001f600"


def test_json_of_several_types_becomes_a_table_that_can_be_kept(read, tmp_path):
    rows = [{"a": 1, "b": ["x", 1], "c": 10**400, "d": {"x": 1}, "e": True, "f": 1.5}]
    rows.append({"a": "1", "b": "y", "c": 2, "d": {"x": "1"}, "e": None, "f": 2})
    table = read("\n".join(map(json.dumps, rows)), "a.jsonl")
    table.to_parquet(tmp_path / "a.parquet")
    assert table["a"].tolist() == ["1", "1"]
    assert table["b"].tolist() == [["x", "1"], ["y"]]
    assert table["f"].tolist() == [1.5, 2.0]
