"""Output for a person at a terminal: progress bars, and errors in one line."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from gromega._util.formatting import percent

EXTRAS = {
    "simulate": "numba",
    "web": "anyio fastapi starlette uvicorn",
    "lake": "dvc filelock jinja2 jsonschema pyarrow pydantic sklearn xarray yaml zarr",
    "train": "flax jax optax orbax",
    "cluster": "distributed",
    "fetch": "httpx2",
}
"""The modules that each extra of pyproject.toml adds; `lake` needs `simulate`, and
`train` needs `lake`. The modules that an extra takes from another are not repeated."""
console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def run_or_explain(call: Callable[[], None]) -> None:
    """Call a function; print an error of the user in one line, with exit status 2.

    An interrupt is one line as well, with the exit status 130 that shells give it.
    Characters that the encoding of the terminal lacks are printed as question marks.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        call()
    except MemoryError:
        _stop("out of memory.", 2)
    except ImportError as error:
        _stop(explain_missing(error), 2)
    except (ValueError, OSError) as error:
        _stop(str(error), 2)
    except (KeyboardInterrupt, SystemExit) as stop:
        # Typer turns an interrupt into an exit with this status.
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        _stop("interrupted; no incomplete file is left.", 130)


def interrupt_by_signals(patience: int = 60) -> None:
    """Let SIGINT and SIGTERM interrupt this process, and end it if it does not end.

    Python ignores an interrupt that comes in some callbacks of its imports. The lock of
    the imports then stays locked, and a thread that imports a module waits forever.
    A SIGINT that is ignored, as in a shell's background, stays ignored.

    Parameters
    ----------
    patience
        The time that an interrupted process has to end, in s.
    """

    def interrupt(*_: object) -> None:
        if hasattr(signal, "alarm"):
            # Nobody handles this signal, so the system ends the process.
            signal.alarm(patience)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def explain_missing(error: ImportError) -> str:
    """Return an import error as one line, which names the extra to install if any."""
    module = (error.name or "").split(".")[0]
    # A package that is installed but broken raises another error in itself.
    for extra, modules in EXTRAS.items():
        if isinstance(error, ModuleNotFoundError) and module in modules.split():
            return (
                f"this needs the package {module}, which is not installed for "
                f"{sys.executable}; install it with pip install 'gromega[{extra}]'."
            )
    return str(error)


def _stop(reason: str, status: int) -> None:
    console.print(f"gromega: {' '.join(reason.split())}")
    sys.exit(status)


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a progress bar, shown on a terminal only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with _bar(*columns) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


@contextmanager
def download_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a bar by bytes, shown on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn())
    with _bar(*columns, DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


@contextmanager
def progress_counts(what: str) -> Iterator[Callable[[int, str], None]]:
    """Yield a function that shows a count of an unknown total, its rate and a text."""
    with _bar(SpinnerColumn(), TextColumn("{task.description}")) as bar:
        task, start = bar.add_task(what, total=None), time.monotonic()

        def show(count: int, text: str) -> None:
            rate = count / max(time.monotonic() - start, 1e-3)
            line = f"{count} {what}, {rate:.0f} per second: {text}"
            bar.update(task, description=line)

        yield show


@contextmanager
def training_bar(epochs: int) -> Iterator[Callable[[Any], None]]:
    """Yield a function that shows `history.Progress` as a bar and `Epoch` as a line."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.3f}, {task.fields[rate]:.0f} PDFs/s"),
        TimeRemainingColumn(),
    )
    with _bar(*columns) as bar:
        task = bar.add_task("training", total=None, loss=float("nan"), rate=0.0)

        def show(what: Any) -> None:
            if hasattr(what, "step"):
                done = (what.epoch - 1) * what.steps + what.step
                bar.update(
                    task, completed=done, total=epochs * what.steps, loss=what.loss,
                    rate=what.rate, description=f"epoch {what.epoch}",
                )  # fmt: skip
                return
            text = (
                f"epoch {what.epoch}: loss {what.loss:.4f}, validation top-1 "
                f"{percent(what.top1)}, top-6 {percent(what.top6)}"
            )
            if what.box_top1 == what.box_top1:
                box = f"{percent(what.box_top1)}, {percent(what.box_top6)}"
                text += f", over the box {box}"
            console.print(text)

        yield show


def _bar(*columns: ProgressColumn) -> Progress:
    # Standard output may be a file: the bar must not redirect it.
    return Progress(
        *columns, console=console, redirect_stdout=False,
        disable=not console.is_terminal,
    )  # fmt: skip
