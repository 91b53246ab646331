"""The command line: one verb a file. The only place that prints."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from hitforge import __version__
from hitforge.cli._console import err, escape, out
from hitforge.cli.check import check
from hitforge.cli.compare import compare
from hitforge.cli.convert import convert
from hitforge.cli.display import display
from hitforge.cli.evaluate import evaluate
from hitforge.cli.fetch import fetch
from hitforge.cli.inspect import inspect
from hitforge.cli.list import list_plugins
from hitforge.cli.new import new
from hitforge.cli.predict import predict
from hitforge.cli.run import run
from hitforge.cli.simulate import simulate
from hitforge.core.errors import ConfigError, HitforgeError

app = typer.Typer(
    help="From the hits of a particle detector to particles, measured beside the classical algorithm.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for _verb in (simulate, run, evaluate, compare, check, convert, inspect, predict, display, list_plugins, new, fetch):
    app.command(_verb.__name__.partition("_")[0])(_verb)

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; every known error becomes one line and an exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        status = app(standalone_mode=False)  # a verb's typer.Exit comes back as its status
    except BaseException as error:
        sys.exit(_explain(error))
    if _interrupted:  # typer may return from an interrupt as if all were well
        sys.exit(_explain(KeyboardInterrupt()))
    sys.exit(status if isinstance(status, int) else 0)


def _explain(error: BaseException) -> int:
    """Print what an error means and return the exit status; raise what is not foreseen."""
    if _interrupted:  # typer and compiled kernels turn an interrupt into errors of their own
        err.print("[bold]interrupted[/]: repeat the command as it was, a run with --resume")
        return 130
    if isinstance(error, HitforgeError):
        err.print(f"[bold red]error:[/] {escape(str(error))}")
        return 2 if isinstance(error, ConfigError) else 1
    if type(error).__module__.partition(".")[0] not in ("click", "typer"):
        raise error
    show = getattr(error, "show", None)
    if show is not None:
        show()
    return int(getattr(error, "exit_code", 2))


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


_interrupted: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupted.append(number)
    raise KeyboardInterrupt
