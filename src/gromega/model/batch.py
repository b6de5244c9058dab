"""Predictions for files of measured PDFs, on all cores if there are many."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gromega._util.parallel import keep_memory, n_cores, open_processes, ordered_map
from gromega.model.summary import COLUMNS, summary_csv, summary_table

# The process that starts the others does without these imports: they take a second.
if TYPE_CHECKING:
    from gromega.measured.pdf import MeasuredPDF
    from gromega.model.matches import Library
    from gromega.model.model import Model
    from gromega.model.prediction import Prediction

MANY = 1000  # the number of files from which on processes are started
STANDARD_INPUT = Path("-")
# The number of PDFs that the network computes at once on one thread.
_CHUNK = 64
_FEW = 8
_IMPORTS = ("gromega.model.io", "gromega.measured.pdf", "scipy.interpolate")


@dataclass(frozen=True)
class OutputFormat:
    """The text of one prediction after another, each from a file's name.

    If there is a layout, it makes the final text of the whole one.
    """

    write: "Callable[[str, Prediction], str]"
    head: str = ""
    between: str = ""
    tail: str = ""
    layout: Callable[[str], str] | None = None


def _as_text(name: str, prediction: "Prediction") -> str:
    return f"{name}\n{prediction}\n"


def _as_json(name: str, prediction: "Prediction") -> str:
    values = {name: prediction.to_mapping()}
    # Without its braces: it is one pair of the whole object.
    return json.dumps(values, indent=2, ensure_ascii=False)[2:-2]


def _as_csv(name: str, prediction: "Prediction") -> str:
    quoted = StringIO()
    csv.writer(quoted, lineterminator="").writerow([name])
    file = quoted.getvalue()
    # Of the other fields none needs quotes, and rows of a writer take twice the time.
    return "".join(
        f"{file},{k},{c.number},{c.symbol},{c.system},{c.probability:.6f},{c.in_set:d}\n"
        for k, c in enumerate(prediction.groups, start=1)
    )


TEXT = OutputFormat(_as_text, between="\n")
JSON = OutputFormat(_as_json, "{\n", ",\n", "\n}\n")
CSV = OutputFormat(_as_csv, "file,rank,number,symbol,system,probability,in_set\n")
SUMMARY_CSV = OutputFormat(summary_csv, ",".join(COLUMNS) + "\n")
SUMMARY = replace(SUMMARY_CSV, layout=summary_table)


@dataclass(frozen=True)
class PredictOptions:
    """The options of `predict_files`, the same for all files."""

    model: Path
    read: Mapping[str, Any]  # options of `read_pdf`
    predict: Mapping[str, Any]  # options of `Model.predict`, except the library
    output: OutputFormat = TEXT
    library: Path | None = None
    figures: Mapping[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """The reason why there is no prediction for a file."""

    reason: str


def predict_files(
    paths: Sequence[Path], options: PredictOptions, progress: Callable[[int], None]
) -> Iterator[str | Failure]:
    """Yield the prediction for each file as a text, or a failure, in order.

    The path ``-`` is standard input; `progress` is called with the number of files done
    since its last call. A FileNotFoundError or ValueError is raised if the model or
    library does not exist, or an option is not allowed.
    """
    many = len(paths) >= MANY and STANDARD_INPUT not in paths
    # If each prediction takes a second, a few are written at a time.
    slow = options.predict.get("reliability") or options.predict.get("explain")
    size = _FEW if slow else _CHUNK if many else _CHUNK * n_cores()
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    if not many:
        for chunk in chunks:
            yield from _predict_chunk(options, chunk, progress)
        return
    with open_processes(_IMPORTS) as pool:
        for texts in ordered_map(pool, partial(_predict_chunk, options), chunks):
            progress(len(texts))
            yield from texts


def _predict_chunk(
    options: PredictOptions,
    paths: Sequence[Path],
    progress: Callable[[int], None] | None = None,
) -> list[str | Failure]:
    from gromega.measured.options import ReadOptions

    keep_memory()
    ReadOptions.from_mapping(options.read)
    model, library = _load(options.model, options.library)
    found = [_read(path, options.read) for path in paths]
    pdfs = [pdf for pdf in found if not isinstance(pdf, Failure)]
    if progress:
        progress(len(found) - len(pdfs))
    predictions = iter(
        model.predict_all(pdfs, library=library, progress=progress, **options.predict)
    )
    return [
        pdf if isinstance(pdf, Failure) else _write(options, path, next(predictions))
        for path, pdf in zip(paths, found, strict=True)
    ]


def _write(options: PredictOptions, path: Path, prediction: "Prediction") -> str:
    """Return the text of a prediction, and draw its figure if it gets one."""
    # A name may contain bytes that are not text, or control codes of a terminal.
    decoded = os.fsencode(path).decode(errors="replace")
    name = "".join(c if c.isprintable() else "\ufffd" for c in decoded)
    if path in options.figures and prediction.importance:
        from gromega._util.plotting import save_figure
        from gromega.model.prediction_figure import prediction_figure

        figure = prediction_figure(
            prediction.groups, prediction.importance, prediction.matches, name
        )
        save_figure(figure, options.figures[path])
    return options.output.write(name, prediction)


@lru_cache(1)
def _load(model: Path, library: Path | None) -> "tuple[Model, Library | None]":
    from gromega.model.io import load_model

    if library is None:
        return load_model(model), None
    from gromega.model.library_io import load_library

    return load_model(model), load_library(library)


def _read(path: Path, options: Mapping[str, Any]) -> "MeasuredPDF | Failure":
    from gromega.measured.pdf import read_pdf

    source = sys.stdin.buffer if path == STANDARD_INPUT else path
    try:
        return read_pdf(source, **options)
    except (ValueError, OSError) as error:
        return Failure(" ".join(str(error).split()))
