"""The app that the verbs are added to, and the order in which it lists them."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

ORDER = (
    "models", "tasks", "power", "record", "info", "verify", "diff", "describe", "select", "evidence",
    "compare", "multiverse", "compare-selectors", "acoustics", "share", "probe", "ablate", "listen", "report",
    "serve", "run", "demo", "pretrain",
)  # fmt: skip
"""The verbs in the order of work."""


class _Verbs(TyperGroup):
    """Lists the verbs in the order of work."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=ORDER.index)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Says the whole first sentence of each verb; click would cut it to one line."""
        verbs = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        told = [(name, (verb.help or "").split("\n\n")[0]) for name, verb in verbs if verb]
        with formatter.section("Commands"):
            formatter.write_dl([(name, " ".join(words.split())) for name, words in told])


app = typer.Typer(
    name="otoscope",
    cls=_Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(epilog="Start with otoscope demo, which needs no data, no weights and no GPU.")
def otoscope(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)
    ] = False,
) -> None:
    """What the neurons of an audio model listen to, how sure one can be of it, and whether it matters."""
    del debug  # `main` takes it from anywhere in the line; it stands here for the help page
    if version:
        from otoscope import __version__

        typer.echo(__version__)
        raise typer.Exit
