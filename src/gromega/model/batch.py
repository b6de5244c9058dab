"""Predictions of the files of measured PDFs, by all cores where there are many."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gromega._util.parallel import keep_memory, n_cores, open_processes, ordered_map

# What only asks processes does without what they import: it takes a second.
if TYPE_CHECKING:
    from gromega.measured.pdf import MeasuredPDF
    from gromega.model.matches import Library
    from gromega.model.model import Model
    from gromega.model.prediction import Prediction

MANY = 1000
"""Files that are worth the start of processes."""
STANDARD_INPUT = Path("-")
# What the network takes at once on one thread.
_CHUNK = 64
_FEW = 8
_IMPORTS = ("gromega.model.model", "gromega.measured.pdf")


@dataclass(frozen=True)
class Form:
    """How answers are written, one after another.

    Parameters
    ----------
    write
        Return the text of the answer to a file, by its name.
    head, between, tail
        What is written before, between and after the texts.
    """

    write: "Callable[[str, Prediction], str]"
    head: str = ""
    between: str = ""
    tail: str = ""


def _as_text(name: str, answer: "Prediction") -> str:
    return f"{name}\n{answer}\n"


def _as_json(name: str, answer: "Prediction") -> str:
    text = json.dumps({name: answer.to_mapping()}, indent=2, ensure_ascii=False)
    # Without its braces: it is one pair of the whole.
    return text[2:-2]


def _as_csv(name: str, answer: "Prediction") -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for k, c in enumerate(answer.groups):
        inside = int(c.in_set)
        row = (k + 1, c.number, c.symbol, c.system, f"{c.probability:.6f}", inside)
        writer.writerow((name, *row))
    return text.getvalue()


TEXT = Form(_as_text)
JSON = Form(_as_json, "{\n", ",\n", "\n}\n")
CSV = Form(_as_csv, "file,rank,number,symbol,system,probability,in_set\n")


@dataclass(frozen=True)
class Question:
    """What is asked of each file.

    Parameters
    ----------
    model
        The folder of the model.
    reading
        The options of `read_pdf`.
    asking
        The options of `Model.predict`, but for the library.
    form
        How the answers are written.
    library
        The file of the known crystals, if any are to be laid over the PDFs.
    figures
        Where the figure of each answer goes, by file, if any are to be drawn.
    """

    model: Path
    reading: Mapping[str, Any]
    asking: Mapping[str, Any]
    form: Form = TEXT
    library: Path | None = None
    figures: Mapping[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Unanswered:
    """Why there is no answer to a file."""

    reason: str


def predict_files(
    paths: Sequence[Path], question: Question, progress: Callable[[int], None]
) -> Iterator[str | Unanswered]:
    """Yield the answer to each file as a text, or why there is none, in order.

    Parameters
    ----------
    paths
        The files; ``-`` is standard input.
    question
        What is asked of each.
    progress
        Called with the number of files that are done since the last call.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such model or library, or an option is not allowed.
    """
    many = len(paths) >= MANY and STANDARD_INPUT not in paths
    # Where each answer takes a second, a few are written at a time.
    slow = question.asking.get("reliability") or question.asking.get("explain")
    size = _FEW if slow else _CHUNK if many else _CHUNK * n_cores()
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    if not many:
        for chunk in chunks:
            yield from _answer(question, chunk, progress)
        return
    with open_processes(_IMPORTS) as pool:
        for answers in ordered_map(pool, partial(_answer, question), chunks):
            progress(len(answers))
            yield from answers


def _answer(
    question: Question,
    paths: Sequence[Path],
    progress: Callable[[int], None] | None = None,
) -> list[str | Unanswered]:
    from gromega.measured.options import ReadOptions

    keep_memory()
    ReadOptions.from_mapping(question.reading)
    model = _model(question.model)
    library = _library(question.library) if question.library else None
    found = [_read(path, question.reading) for path in paths]
    pdfs = [pdf for pdf in found if not isinstance(pdf, Unanswered)]
    if progress:
        progress(len(found) - len(pdfs))
    answers = iter(
        model.predict_all(pdfs, library=library, progress=progress, **question.asking)
    )
    return [
        pdf if isinstance(pdf, Unanswered) else _write(question, path, next(answers))
        for path, pdf in zip(paths, found, strict=True)
    ]


def _write(question: Question, path: Path, answer: "Prediction") -> str:
    """Return the text of an answer, and draw its figure if there is to be one."""
    # A name may hold bytes that are no text, or codes that a terminal obeys.
    decoded = os.fsencode(path).decode(errors="replace")
    name = "".join(c if c.isprintable() else "\ufffd" for c in decoded)
    if path in question.figures:
        from gromega._util.plotting import save_figure
        from gromega.model.prediction_figure import prediction_figure

        if answer.importance:
            figure = prediction_figure(
                answer.groups, answer.importance, answer.matches, name
            )
            save_figure(figure, question.figures[path])
    return question.form.write(name, answer)


@lru_cache(1)
def _model(path: Path) -> "Model":
    from gromega.model.model import load_model

    return load_model(path)


@lru_cache(1)
def _library(path: Path) -> "Library":
    from gromega.model.matches import load_library

    return load_library(path)


def _read(path: Path, options: Mapping[str, Any]) -> "MeasuredPDF | Unanswered":
    from gromega.measured.pdf import read_pdf

    source = sys.stdin.buffer if path == STANDARD_INPUT else path
    try:
        return read_pdf(source, **options)
    except (ValueError, OSError) as error:
        return Unanswered(" ".join(str(error).split()))
