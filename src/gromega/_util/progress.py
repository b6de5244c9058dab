"""What a person at a terminal sees: progress, and errors in one line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def run_or_explain(call: Callable[[], None]) -> None:
    """Call, and turn a user's error into one line and the exit status 2.

    An interrupt is one line too, with the exit status 130 that shells give it. What
    the encoding of the terminal lacks, as some lack Å, is printed as a question mark.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        call()
    except MemoryError:
        console.print("gromega: this needs more memory than there is.")
        sys.exit(2)
    except (ValueError, OSError, ImportError) as error:
        console.print(f"gromega: {' '.join(str(error).split())}")
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as stop:
        # The command line makes such an exit of an interrupt.
        if isinstance(stop, SystemExit) and stop.code != 130:
            raise
        console.print("gromega: interrupted; nothing half-written is left.")
        sys.exit(130)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what advances a progress bar, which shows on a terminal alone."""
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
def progress_counts(what: str) -> Iterator[Callable[[int, str], None]]:
    """Yield what shows a count, its rate and a text, where no total is known."""
    with _bar(SpinnerColumn(), TextColumn("{task.description}")) as bar:
        task, start = bar.add_task(what, total=None), time.monotonic()

        def show(count: int, text: str) -> None:
            rate = count / max(time.monotonic() - start, 1e-3)
            line = f"{count} {what}, {rate:.0f} per second: {text}"
            bar.update(task, description=line)

        yield show


@contextmanager
def training_bar(epochs: int) -> Iterator[Callable[[Any], None]]:
    """Yield what shows where a training is.

    It takes the results of steps and epochs, `gromega.training.history.Progress` and
    `Epoch`: a bar with loss, samples per second and time left for the ones, on a
    terminal alone; a line of text for the others.
    """
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
                f"{what.top1:.1%}, top-6 {what.top6:.1%}"
            )
            if what.box_top1 == what.box_top1:
                text += f", over the box {what.box_top1:.1%}, {what.box_top6:.1%}"
            console.print(text)

        yield show


def _bar(*columns: ProgressColumn) -> Progress:
    # Standard output may go to a file: the bar must not take it.
    return Progress(
        *columns, console=console, redirect_stdout=False,
        disable=not console.is_terminal,
    )  # fmt: skip
