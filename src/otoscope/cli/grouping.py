"""A verb of many options, whose help shows them in groups."""

from typing import Any

from typer.core import TyperCommand

__all__ = ["Grouped"]


class Grouped(TyperCommand):
    """Shows options under the name of their `rich_help_panel`; those without one under "Options"."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the groups in the order in which their first options come."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            usual = "Arguments" if param.param_type_name == "argument" else "Options"
            told = param.get_help_record(ctx)
            if told is not None:
                groups.setdefault(getattr(param, "rich_help_panel", None) or usual, []).append(told)
        for name, rows in groups.items():
            with formatter.section(name):
                formatter.write_dl(rows)
