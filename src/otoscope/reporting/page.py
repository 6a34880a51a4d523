"""Pages: HTML documents from templates that escape whatever they are given."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

import otoscope
from otoscope.reporting import wording
from otoscope.reporting.site import Page, Site

__all__ = ["POLICY", "copy_assets", "render", "root_of"]

POLICY = (
    # `file:` for the folder opened from a disk, where 'self' means nothing to some browsers.
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data:; media-src 'self' file:; font-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a page may load: nothing from elsewhere, and no script or handler that stands in the page itself."""

_ASSETS = ("otoscope.reporting", "otoscope.listening")


def render(site: Site, page: Page, nav: Sequence[tuple[str, str]]) -> str:
    """A page as HTML.

    Args:
        site: the site.
        page: what the template names; text in it is escaped.
        nav: (name, title) of the pages that the navigation leads to.
    """
    content: dict[str, Any] = {
        "version": otoscope.__version__,
        "made": site.made,
        "live": site.live,
        "root": root_of(page.name),
        "policy": POLICY,
        "nav": nav,
        "page": page,
        "title": page.title,
        **page.content,
    }
    return _environment().get_template(page.template).render(content)


def root_of(name: str) -> str:
    """The way from a page to the site's folder.

    >>> root_of("index"), root_of("neurons/1/7.1157")
    ('', '../../')
    """
    return "../" * name.count("/")


def copy_assets(folder: Path) -> None:
    """Copy styles and scripts, with the licences of those that are not ours, into a site's folder."""
    for package in _ASSETS:
        with as_file(files(package) / "assets") as assets:
            shutil.copytree(assets, folder / "assets", dirs_exist_ok=True)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PrefixLoader(
            {
                "report": PackageLoader("otoscope.reporting"),
                "card": PackageLoader("otoscope.listening"),
            }
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(wording, name)
        for name in ("band", "number", "percent", "p_value", "short_model", "spread", "tied", "unbroken")
    }
    return environment
