"""The page Methods: what was recorded, with which settings, every table to download, and how to repeat it."""

from __future__ import annotations

import shlex

import otoscope
from otoscope.reporting.commands import commands
from otoscope.reporting.provenance import provenance_table, sources
from otoscope.reporting.site import Page, Site

__all__ = ["BIBTEX", "page"]

BIBTEX = (
    """@article{kawamura2026neurons,
  title   = {What Do Neurons Listen To? A Neuron-level Dissection of a General-purpose Audio Model},
  author  = {Kawamura, Takao and Niizumi, Daisuke and Ono, Nobutaka},
  journal = {arXiv preprint arXiv:2602.15307},
  year    = {2026}
}""",
    """@software{otoscope,
  title   = {otoscope: what the neurons of an audio model listen to},
  author  = {{The otoscope authors}},
  version = {%s},
  year    = {2026}
}""",
)
"""How to cite the paper whose method this is, and the toolkit."""


def page(site: Site) -> Page:
    """The page. It is made last: it lists the tables of all the others."""
    provenance = site.cabinet.add("provenance", provenance_table(site.recorded), title="Provenance")
    content = {
        "sources": sources(site.recorded),
        "problems": [
            (each.name, list(zip(bad["clip"].astype(str), bad["problem"].astype(str), strict=True)))
            for each in site.recorded
            if len(bad := each.store.clips.query("problem != ''"))
        ],
        "commands": [line for each in site.recorded for line in commands(each)]
        + [f"otoscope report {shlex.join(each.name for each in site.recorded)} --out report"],
        "provenance": provenance,
        "tables": site.cabinet.tables,
        "bibtex": [BIBTEX[0], BIBTEX[1] % otoscope.__version__],
    }
    return Page("methods", "Methods", "report/methods.html.jinja", content)
