"""Commands for measured PDFs: predict, serve, examples."""

import re
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gromega._util.parallel import leave_cores_to_threads
from gromega._util.progress import progress_bar
from gromega.cli.app import app
from gromega.cli.options import with_options
from gromega.measured.options import ReadOptions

if TYPE_CHECKING:
    from gromega.model.batch import OutputFormat, PredictOptions


ModelFolder = Annotated[Path, typer.Option(help="The folder of a model.")]
LibraryFile = Annotated[
    Path | None,
    typer.Option(
        help="The file of known crystals for --explain. The default is "
        "models/library.parquet, if it exists."
    ),
]


@app.command(
    epilog="Examples: gromega predict sample.gr --qmax 25 --qdamp 0.04; "
    "gromega predict --summary series/"
)
@with_options(ReadOptions)
def predict(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of measured PDFs, folders of them, or - for standard input."
        ),
    ],
    model: ModelFolder = Path("models/spacegroup"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each prediction in full, as JSON.")
    ] = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Print CSV: a row per file and group, or with --summary, per file.",
        ),
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print a table with one row per file.")
    ] = False,
    coverage: Annotated[
        float,
        typer.Option(
            help="How often the prediction set contains the correct group: 0.9 or 0.95."
        ),
    ] = 0.9,
    reliability: Annotated[
        bool,
        typer.Option(
            help="Estimate the reliability at the conditions of each file; takes about "
            "1 s for each set of different conditions."
        ),
    ] = True,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Find the most important ranges of r, and the known crystals that fit "
            "best. --library and --figures turn this on.",
        ),
    ] = False,
    structure_type: Annotated[
        Literal["unsure", "known", "new"],
        typer.Option(
            help="known: the structure type is a common one, such as perovskite; "
            "new: no known crystal has it; unsure: you do not know."
        ),
    ] = "unsure",
    library: LibraryFile = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Draw a figure of each file into this folder."),
    ] = None,
    *,
    reading: ReadOptions,
) -> None:
    """Predict the space groups of measured PDFs.

    The conditions come from the header of each file; an option overrides them.
    If a file cannot be read, gromega prints one error line and continues with
    the other files. The exit status is then 2. 'gromega examples' writes files
    to try it with.
    """
    if as_json and (as_csv or summary):
        other = "--csv" if as_csv else "--summary"
        raise ValueError(f"--json and {other} exclude each other; give one of them.")
    leave_cores_to_threads()
    from gromega.model import batch

    explain = explain or figures is not None or library is not None
    paths = _files_of(files)
    if figures and figures.is_file():
        raise ValueError(f"{figures} is a file; give --figures a folder.")
    request = batch.PredictOptions(
        model,
        reading.given(),
        {
            "coverage": coverage,
            "reliability": reliability,
            "explain": explain,
            "structure_type": structure_type,
        },
        _output_format(as_json, as_csv, summary),
        _library_path(library) if explain else None,
        _figure_paths(paths, figures) if figures else {},
    )
    if _print_predictions(paths, request):
        raise typer.Exit(2)


def _output_format(as_json: bool, as_csv: bool, summary: bool) -> "OutputFormat":
    from gromega.model import batch

    if summary:
        return batch.SUMMARY_CSV if as_csv else batch.SUMMARY
    return batch.JSON if as_json else batch.CSV if as_csv else batch.TEXT


def _print_predictions(paths: list[Path], options: "PredictOptions") -> int:
    """Print the predictions for files, and return the number of failures."""
    from gromega.model.batch import Failure, predict_files

    layout = options.output.layout
    # On a terminal, the progress bar is shown first and the predictions at the end.
    later = StringIO()
    out = later if sys.stdout.isatty() or layout else sys.stdout
    predicted = failed = 0
    out.write(options.output.head)
    try:
        with progress_bar("files", len(paths)) as advance:
            for text in predict_files(paths, options, advance):
                if isinstance(text, Failure):
                    typer.echo(f"gromega: {text.reason}", err=True)
                    failed += 1
                else:
                    out.write(options.output.between * bool(predicted) + text)
                    predicted += 1
    except KeyboardInterrupt:
        done = f"gromega: {predicted} of {len(paths)} files were predicted."
        typer.echo(done, err=True)
        raise
    finally:
        out.write(options.output.tail)
        text = later.getvalue()
        sys.stdout.write(layout(text) if layout else text)
    return failed


def _files_of(paths: list[Path]) -> list[Path]:
    """Return the files among paths and in folders, without hidden ones in folders."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for inside in sorted(path.rglob("*")):
            parts = inside.relative_to(path).parts
            if inside.is_file() and not any(part.startswith(".") for part in parts):
                found.append(inside)
    if not found:
        raise ValueError(f"{paths[0]}: there is no file in this folder.")
    return list(dict.fromkeys(found))


def _figure_paths(files: list[Path], folder: Path) -> dict[Path, Path]:
    """Return the path of the figure of each file, named after it."""
    made: dict[Path, Path] = {}
    taken = set()
    for file in files:
        stem = re.sub(r"[^\w-]+", "_", str(file)).strip("_-") or "input"
        while stem in taken:
            stem += "_"
        taken.add(stem)
        made[file] = folder / stem
    return made


@app.command(epilog="Example: gromega serve --port 8080")
def serve(
    model: ModelFolder = Path("models/spacegroup"),
    library: LibraryFile = None,
    host: Annotated[
        str, typer.Option(help="The address; 0.0.0.0 lets other machines connect.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 for any free one.")
    ] = 8000,
) -> None:
    """Serve a web page that predicts the space groups of PDFs, until Ctrl+C.

    /openapi.json describes its HTTP interface. The server keeps nothing that it
    receives.
    """
    leave_cores_to_threads()
    from gromega.model.io import load_model
    from gromega.web.app import serve as serve_app

    known = None
    if path := _library_path(library):
        from gromega.model.library_io import load_library

        known = load_library(path)
    serve_app(load_model(model), model.name, known, host, port)


@app.command(epilog="Example: gromega examples && gromega predict examples/")
def examples(
    folder: Annotated[
        Path, typer.Argument(help="The folder to write to; it is made if necessary.")
    ] = Path("examples"),
) -> None:
    """Write simulated PDFs to a folder, to try gromega predict with."""
    from gromega._util.files import write_whole
    from gromega.measured.examples import EXAMPLES

    for name, text in EXAMPLES.items():
        path = folder / name
        if path.exists() and path.read_text("utf-8") != text:
            raise ValueError(f"{path} exists and is another file; give another folder.")
    for name, text in EXAMPLES.items():
        if not (folder / name).exists():
            write_whole(folder / name, text)
        typer.echo(folder / name)


def _library_path(path: Path | None) -> Path | None:
    """Return a path, or that of the released library if it exists."""
    from gromega.model.matches import LIBRARY

    if path or LIBRARY.is_file():
        return path or LIBRARY
    typer.echo(
        f"gromega: {LIBRARY} does not exist here, so no known crystal is compared. A "
        "clone of gromega has this file ('git restore models/library.parquet' brings "
        "it back): run gromega there, or give its path with --library.",
        err=True,
    )
    return None
