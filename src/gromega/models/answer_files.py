"""Answers to the files of measured PDFs, by all cores where there are many."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gromega.models.answer import Answer
from gromega.models.model import load_model
from gromega.parallel import keep_memory, open_processes, ordered_map
from gromega.pdf.measured import MeasuredPDF, read_pdf

if TYPE_CHECKING:
    from gromega.pdf.library import Library

MANY = 1000
"""Files that are worth the start of processes."""
STANDARD_INPUT = Path("-")
# What the network takes at once on one thread.
_CHUNK = 64

_model = lru_cache(1)(load_model)


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
    library
        The file of the known crystals, if any are to be laid over the PDFs.
    """

    model: Path
    reading: Mapping[str, Any]
    asking: Mapping[str, Any]
    library: Path | None = None


def answer_files(
    paths: Sequence[Path], question: Question, progress: Callable[[int], None]
) -> Iterator[Answer | str]:
    """Yield the answer to each file, or why there is none, in order.

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
    if len(paths) < MANY or STANDARD_INPUT in paths:
        yield from _answer(question, paths, progress)
        return
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    with open_processes() as pool:
        for answers in ordered_map(pool, partial(_answer, question), chunks):
            progress(len(answers))
            yield from answers


def _answer(
    question: Question,
    paths: Sequence[Path],
    progress: Callable[[int], None] | None = None,
) -> list[Answer | str]:
    keep_memory()
    found = [_read(path, question.reading) for path in paths]
    pdfs = [pdf for pdf in found if isinstance(pdf, MeasuredPDF)]
    if progress:
        progress(len(found) - len(pdfs))
    answers: Iterator[Answer] = iter(())
    if pdfs:
        library = _library(question.library) if question.library else None
        model = _model(question.model)
        answers = iter(
            model.predict_all(
                pdfs, library=library, progress=progress, **question.asking
            )
        )
    return [pdf if isinstance(pdf, str) else next(answers) for pdf in found]


@lru_cache(1)
def _library(path: Path) -> "Library":
    # It takes half a second to import: most answers do without.
    from gromega.pdf.library import load_library

    return load_library(path)


def _read(path: Path, options: Mapping[str, Any]) -> MeasuredPDF | str:
    source = sys.stdin.buffer if path == STANDARD_INPUT else path
    try:
        return read_pdf(source, **options)
    except (ValueError, OSError) as error:
        return " ".join(str(error).split())
