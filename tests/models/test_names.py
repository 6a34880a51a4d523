"""M2D's folder names, row by row of the table that was verified against the reference loader."""

from pathlib import Path

import pytest

from otoscope.models.names import name_of, parse_name

TABLE = [
    ("m2d_vit_base-80x608p16x16-221006-mr7", (80, 608), (16, 16), 16000, ()),
    ("m2d_vit_base-80x608p16x16-221006-mr7_enconly", (80, 608), (16, 16), 16000, ()),
    ("m2d_vit_base-80x200p16x4-230529", (80, 200), (16, 4), 16000, ()),
    ("m2d_s_vit_base-80x608p80x2-230220", (80, 608), (80, 2), 16000, ()),
    ("m2d_as_vit_base-80x1001p16x16p32k-240413_AS-FT_enconly", (80, 1001), (16, 16), 32000, ()),
    ("m2d_clap_vit_base-80x1001p16x16p16kpBpTI-2025", (80, 1001), (16, 16), 16000, ("B", "TI")),
    ("m2d_vit_base-80x208p16x16p16k-random", (80, 208), (16, 16), 16000, ()),
    ("m2d_vit_base-80x608p16x16", (80, 608), (16, 16), 16000, ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "input_size", "patch_size", "rate", "extras"), TABLE)
def test_table_of_names(text, input_size, patch_size, rate, extras):
    name = parse_name(text)
    assert name is not None
    assert (name.input_size, name.patch_size, name.sample_rate) == (input_size, patch_size, rate)
    assert (name.model_class, name.extras) == (text.split("-")[0], extras)


def test_a_name_tells_a_default_rate_from_a_stated_one():
    assert parse_name("m-80x608p16x16").rate is None
    assert parse_name("m-80x608p16x16p16k").rate == 16000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weights",
        "m2d_vit_base",
        "-80x608p16x16",
        "m-80x608",
        "m-80x608p16",
        "m-80x608p16x16pB",
        "m-axbpcxd",
    ],
)
def test_other_names_are_not_m2d_names(text):
    assert parse_name(text) is None


def test_the_folder_comes_first_and_the_file_second():
    assert name_of(Path("m-80x608p16x16/n-80x200p16x4.pth")).input_size == (80, 608)
    assert name_of(Path("weights/n-80x200p16x4.pth")).input_size == (80, 200)
    assert name_of(Path("weights/checkpoint-300.pth")) is None


def test_a_relative_path_is_seen_in_its_folder(tmp_path, monkeypatch):
    folder = tmp_path / "m2d_vit_base-80x608p16x16"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert name_of(Path("checkpoint-300.pth")).input_size == (80, 608)
