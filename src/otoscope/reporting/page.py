"""The page: a report in one HTML document, from templates that escape whatever they are given."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from otoscope.reporting import wording


def render(content: Mapping[str, Any]) -> str:
    """The page as HTML.

    Nothing in it runs: the security policy allows pictures from the report's own folder and the one style
    sheet that the page carries, by its hash, and no script at all.

    Args:
        content: what the template names; text in it is escaped.
    """
    style = (files("otoscope.reporting") / "templates" / "style.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("otoscope.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(wording, name)
        for name in ("band", "number", "percent", "p_value", "short_model", "spread", "tied", "unbroken")
    }
    page = environment.get_template("index.html.jinja")
    # The style sheet is the package's own file, the only thing that is not escaped.
    return page.render(**content, style=Markup(style), policy=_policy(style))


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # `file:` for the folder opened from a disk, where 'self' means nothing to some browsers.
    return (
        f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
