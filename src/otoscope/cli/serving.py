"""The verb that serves the report's pages."""

from typing import Annotated

import typer

from otoscope.cli.app import app
from otoscope.cli.options import Json


@app.command()
def serve(
    stores: Annotated[
        list[str], typer.Argument(metavar="STORE...", help="Stores, with what the other verbs found.")
    ],
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8765,
    token: Annotated[
        bool, typer.Option("--token", help="Ask for a token even where only this machine can connect.")
    ] = False,
    sound: Annotated[
        bool, typer.Option(help="Hear the examples of neurons again, to be played and looked at.")
    ] = True,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json: Json = False,
) -> None:
    """Serve the pages of `report` with every neuron of the stores, until Ctrl-C.

    Only this machine can open them, unless --host says otherwise; then the address holds a random token.

    Needs pip install 'otoscope[serve]'.

    \b
    Example:
      otoscope serve esc50.zarr gtzan.zarr
    """
    import sys

    from otoscope import console
    from otoscope.reporting import serving

    def ready(url: str) -> None:
        console.show({"url": url}, json, console.address_lines(url))
        sys.stdout.flush()  # it is read by who waits for it
        if show:
            typer.launch(url)

    serving.serve(stores, host=host, port=port, token=token, sound=sound, ready=ready, say=console.say)
