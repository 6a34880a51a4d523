"""The report: whole, offline, escaped, and honest about what is not there."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest

from otoscope.errors import UsageError
from otoscope.files import read_json
from otoscope.neurons import select
from otoscope.neurons.baselines import TwinCounts
from otoscope.reporting import MARKER, report
from otoscope.reporting.collect import collect
from otoscope.reporting.commands import commands


class Page(HTMLParser):
    """What a browser would make of a site's pages: elements with their attributes, and the text.

    Without `alone` all pages that the navigation leads to are read, one after the other.
    """

    def __init__(self, path, alone=False):
        super().__init__()
        self.elements, self.text = [], ""
        for each in [path] if alone else sorted(path.parent.glob("*.html")):
            self.feed(each.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def values(self, *names):
        return [attrs[name] for _, attrs in self.elements for name in names if name in attrs]


@pytest.fixture(scope="session")
def folder(full_store, tmp_path_factory):
    """A report on everything; tests only read it."""
    return report([full_store], tmp_path_factory.mktemp("out") / "report").parent


@pytest.fixture
def page(folder):
    return Page(folder / "index.html")


def test_every_link_leads_somewhere_in_the_folder(folder):
    pages = {path: Page(path, alone=True) for path in folder.rglob("*.html")}
    assert len(pages) > 8  # those of neurons, too
    dark = set()
    for path, page in pages.items():
        for link in page.values("src", "srcset", "href"):
            if link == "data:," or link.startswith("https://arxiv.org/"):
                continue
            place, _, anchor = link.partition("#")
            target = (path.parent / unquote(place)).resolve() if place else path
            assert target.is_file(), (path.name, link)
            assert folder.resolve() in target.parents
            if anchor and "=" not in anchor:  # with it, a state that the page's script reads
                assert anchor in pages[target].values("id"), (path.name, link)
            dark |= {link} if link.endswith("-dark.svg") else set()
    assert len(dark) >= 7


def test_nothing_is_loaded_from_elsewhere_and_only_our_scripts_run(folder):
    for path in folder.rglob("*.html"):
        page = Page(path, alone=True)
        assert not [tag for tag, _ in page.elements if tag in ("iframe", "object", "base")]
        assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
        for tag, attrs in page.elements:
            if tag == "script" and attrs.get("type") != "application/json":
                assert attrs["src"].lstrip("./").startswith(("assets/", "data/")), attrs
        loaded = page.values("src", "srcset")
        assert not [link for link in loaded if ":" in link or link.startswith("/")]
        (policy,) = [
            attrs["content"]
            for _, attrs in page.elements
            if attrs.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.startswith("default-src 'none'; script-src 'self' file:; ")
        assert "connect-src" not in policy
        assert "unsafe-eval" not in policy
        assert policy.count("unsafe-inline") == 1  # of styles, which plotly sets
    for figure in (folder / "figures").glob("*.svg"):
        assert not re.search(r"(href|src)=\"https?:", figure.read_text(encoding="utf-8"))


def test_labels_and_file_names_are_text_wherever_they_stand(toy, page, folder):
    assert toy.EVIL in page.text
    for file in folder.rglob("*"):
        assert "<" not in file.name
        if file.suffix in (".html", ".svg") or file.parent.name == "data":
            assert "<script>alert" not in file.read_text(encoding="utf-8")


def test_a_labeling_a_clip_and_a_model_with_markup_in_their_names(toy, make_store, tmp_path):
    store = make_store(label=toy.EVIL, model=f"{toy.EVIL}:x")
    store.clips.loc[0, "problem"] = f"{toy.EVIL}: not audio"
    store.tokens[0] = 0
    toy.save_selection(store, toy.EVIL)
    toy.save_probe(store, toy.EVIL)
    page = Page(report([store], tmp_path / "report"))
    scripts = [attrs for tag, attrs in page.elements if tag == "script"]
    assert all("src" in attrs or attrs["type"] == "application/json" for attrs in scripts)
    assert f"{toy.EVIL}: not audio" in page.text
    assert "1 clip skipped" in page.text


def test_every_table_is_there_as_csv_and_as_parquet(folder):
    tables = folder / "tables"
    stems = {file.stem for file in tables.iterdir()}
    assert {
        "overview",
        "provenance",
        "1-mood-aape-neurons",
        "1-mood-aape-classes",
        "1-mood-ablation-draws",
    } <= stems
    for stem in stems:
        parquet, csv = pd.read_parquet(tables / f"{stem}.parquet"), pd.read_csv(tables / f"{stem}.csv")
        assert list(parquet.columns) == list(csv.columns)
        assert len(parquet) == len(csv)


def test_the_overview_has_every_figure_beside_chance(full_store, page, folder):
    selection = select(full_store, "mood", share=0.1, permutations=30)
    row = pd.read_parquet(folder / "tables" / "overview.parquet").iloc[0]
    assert row["neurons"] == len(selection.neurons)
    assert row["depth"] == selection.depth
    assert row["depth_chance"] == selection.chance.depth.mean
    assert row["coverage_high"] == selection.chance.coverage.high
    assert row["depth_p"] == selection.chance.depth.p == 1 / 31
    assert (row["probe"], row["probe_low"], row["probe_high"]) == (0.8, 0.7, 0.9)
    assert "more selective than chance (p = 0.032" in page.text


def test_a_report_on_nothing_says_which_commands_find_something(make_store, tmp_path):
    page = Page(report([make_store()], tmp_path / "report"))
    assert page.text.count("Nothing has been found out about this yet") >= 5
    assert "otoscope select toy.zarr --label mood" in page.text
    assert "otoscope ablate toy.zarr --label mood" in page.text
    assert "otoscope share toy.zarr:mood" in page.text
    assert not [tag for tag, _ in page.elements if tag == "img"]


def test_no_difference_is_called_one_where_there_is_none(toy, make_store, tmp_path):
    store = make_store(planted=False)
    toy.save_selection(store)
    toy.ablation(drop=0.0).save(store.results / "ablate-it")
    page = Page(report([store], tmp_path / "report"))
    assert "In 0 of 1 tested selection" in page.text
    assert "no more selective than chance can make it" in page.text
    assert "No effect beyond neurons matched in how far they move the embedding" in page.text


def test_a_selection_without_chance_says_so(toy, make_store, tmp_path):
    store = make_store()
    selection = toy.save_selection(store, permutations=0)
    page = Page(report([store], tmp_path / "report"))
    assert "No chance level was computed, and a bare count says nothing" in page.text
    assert "otoscope select toy.zarr --label mood --preset aape --share 0.1 computes one" in page.text
    assert f"{len(selection.neurons)} neurons are class-specific" not in page.text
    assert not [link for link in page.values("src") if "layers-" in link]
    overview = pd.read_parquet(tmp_path / "report" / "tables" / "overview.parquet")
    assert overview["neurons"].isna().all()


def test_without_twins_the_page_says_so_beside_every_count_with_the_command(page):
    assert page.text.count("twin not recorded") >= 4  # in the table twice, in the part, in the commands
    assert "otoscope record --model toy:one --task TASK --out toy.zarr --twins 3 would" in page.text


def test_with_twins_their_counts_stand_beside_the_store_s(toy, make_store, tmp_path):
    store = make_store()
    selection = toy.save_selection(store)
    rows = [("random-0", "random", 0, 3, 3, 1 / 3), ("shuffled-0", "shuffled", 0, 4, 5, 2 / 3)]
    columns = ["twin", "kind", "seed", "neurons", "pairs", "coverage"]
    beside = replace(selection, twins=TwinCounts(pd.DataFrame(rows, columns=columns)))
    beside.save(store.results / "select-it")
    page = Page(report([store], tmp_path / "report"))
    assert "The same selection in twins finds: untrained 3; shuffled 4." in page.text
    assert "untrained 33 %; shuffled 67 %" in page.text
    assert "twin not recorded" not in page.text


def test_presets_stand_side_by_side_with_the_recommended_one_first(toy, make_store, tmp_path):
    store = make_store()
    toy.save_selection(store)
    specific = select(store, "mood", permutations=30)
    specific.save(store.results / specific.folder)
    report([store], tmp_path / "report")
    table = pd.read_parquet(tmp_path / "report" / "tables" / "1-mood-presets.parquet")
    assert list(table["preset"]) == ["specific", "aape"]
    page = Page(tmp_path / "report" / "index.html")
    assert "specific finds class-specific neurons in 1 of 1 selection" in page.text
    lines = commands(collect([store])[0])
    assert "otoscope select toy.zarr --label mood --permutations 30" in lines
    assert "otoscope select toy.zarr --label mood --preset aape --share 0.1 --permutations 30" in lines
    assert "otoscope evidence toy.zarr --label mood" in lines


def test_a_selection_of_no_neuron_is_reported_as_one(toy, make_store, tmp_path):
    store = make_store()
    toy.save_selection(store, share=0.0)
    text = Page(report([store], tmp_path / "report")).text
    assert "No neuron is class-specific. With permuted labels it is 0 (0 to 0) neurons" in text


def test_what_a_selection_on_some_clips_saw_is_not_drawn_from_others(toy, make_store, tmp_path):
    store = make_store()
    toy.save_selection(store, clips=store.clips.index.to_numpy() < 60)
    page = Page(report([store], tmp_path / "report"))
    assert "It was made on a part of the clips" in page.text
    assert not [link for link in page.values("src") if "profile" in link or "entropy" in link]


def test_classes_switched_off_together_have_a_figure_of_all_classes(toy, make_store, tmp_path):
    store = make_store()
    toy.ablation(together=True).save(store.results / "ablate-it")
    page = Page(report([store], tmp_path / "report"))
    assert f"2 neurons of {toy.CLASSES[0]}+{toy.EVIL} switched" in page.text
    assert "p = 0.048, over all classes 0.048" in page.text


def test_sharing_between_tasks_has_a_section_of_its_own(toy, make_store, tmp_path):
    store = make_store()
    selection = toy.save_selection(store)
    toy.save_across(store, selection, selection)
    page = Page(report([store], tmp_path / "report"))
    assert "toy mood (aape) × toy mood (aape), toy:one" in page.text
    assert "matrix-1-1" in page.values("id")


def test_models_stand_side_by_side_and_their_names_are_short(toy, make_store, tmp_path):
    stores = [make_store("one.zarr"), make_store("two.zarr", model="m2d:/home/me/weights/big-run/last.pth")]
    for store in stores:
        toy.save_selection(store)
        toy.save_probe(store)
    page = Page(report(stores, tmp_path / "report"))
    assert "toy:one, m2d:big-run/last.pth on toy" in page.text
    assert len([link for link in page.values("src") if "overview" in link]) == 2  # light and dark


def test_provenance_and_commands_are_there_without_the_place_of_the_store(page, full_store):
    assert "a" * 64 in page.text
    assert "b" * 64 in page.text
    assert "otoscope record --model toy:one --task TASK --out toy.zarr" in page.text
    assert "otoscope select toy.zarr --label mood --preset aape --share 0.1 --permutations 30" in page.text
    assert str(full_store.path.parent) not in page.text


def test_the_same_results_give_the_same_pictures_whoever_draws_them(full_store, folder, tmp_path):
    # Without pages of neurons, which other processes write: they cannot import a toy store.
    again = report([full_store], tmp_path / "again", workers=2, neurons=0).parent
    files = sorted(file.name for file in (folder / "figures").iterdir())
    assert files == sorted(file.name for file in (again / "figures").iterdir())
    for file in (folder / "figures").glob("*.svg"):  # the tags of fonts in a PDF depend on the process
        assert file.read_bytes() == (again / "figures" / file.name).read_bytes()


def test_an_earlier_report_is_replaced_whole(toy, make_store, tmp_path):
    out, store = tmp_path / "report", make_store()
    toy.save_probe(store)
    report([store], out)
    assert (out / "tables" / "1-mood-probe.csv").exists()
    report([make_store("other.zarr")], out)
    assert not (out / "tables" / "1-mood-probe.csv").exists()
    assert read_json(out / MARKER)["stores"] == ["other.zarr"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".report")]


def test_a_wrapped_module_is_recorded_and_ablated_by_no_command(make_store):
    lines = commands(collect([make_store(model="wrap:Net")])[0])
    assert not [line for line in lines if line.startswith(("otoscope record", "otoscope ablate"))]
    assert [line for line in lines if "otoscope.ablate(store, 'mood', model=otoscope.wrap(...))" in line]


def test_the_page_says_which_layers_were_listened_to(page):
    assert "2 x 40, at block *" in page.text


def test_report_takes_a_list_of_stores(full_store, tmp_path):
    with pytest.raises(UsageError, match="at least one store"):
        report([], tmp_path / "report")
    with pytest.raises(UsageError, match="put it into a list"):
        report("toy.zarr", tmp_path / "report")


@pytest.mark.parametrize(
    ("name", "spec"), [("mini-events", "mini:events"), ("esc50", "esc50:DIR"), ("my sounds", "TASK")]
)
def test_the_command_that_records_names_the_task_as_it_can_be_given(make_store, name, spec):
    store = make_store()
    store.info["task"]["name"] = name
    assert f"--task {spec} --out" in commands(collect([store])[0])[0]


def test_the_command_that_records_gives_evars_lengths(make_store):
    store = make_store()
    store.info["task"] |= {"seconds": 8.2, "evar_lengths": True}
    (line,) = [line for line in commands(collect([store])[0]) if line.startswith("otoscope record")]
    assert "--evar-lengths" in line
    assert "--seconds" not in line
