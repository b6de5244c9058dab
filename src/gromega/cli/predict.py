"""Commands that predict: predict, serve."""

import re
import sys
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from gromega._util.parallel import leave_cores_to_threads
from gromega._util.progress import progress_bar
from gromega.cli.app import app


@app.command(epilog="Example: gromega predict sample.gr --qmax 25 --qdamp 0.04")
def predict(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files with a measured PDF, folders of them, or - for standard input."
        ),
    ],
    model: Annotated[Path, typer.Option(help="The folder of a model.")] = Path(
        "models/spacegroup"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of each answer as JSON.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print a row for each file and group.")
    ] = False,
    coverage: Annotated[
        float, typer.Option(help="Coverage of the prediction set, 0.9 or 0.95.")
    ] = 0.9,
    reliability: Annotated[
        bool,
        typer.Option(
            help="Test the model at the conditions of each file, about a second each."
        ),
    ] = True,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Find the most important r and the known crystals that fit best; "
            "--library and --figures imply it.",
        ),
    ] = False,
    library: Annotated[
        Path | None,
        typer.Option(help="Known crystals to compare; models/library.parquet if any."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="The folder for a figure of each explained prediction."),
    ] = None,
    quantity: Annotated[
        str | None,
        typer.Option(
            help="What the file holds, if not as its header says: G(r), D(r), g(r), "
            "T(r), R(r), or Keen G(r) of RMCProfile."
        ),
    ] = None,
    r_unit: Annotated[
        str | None, typer.Option(help="The unit of r: Å, nm, pm.")
    ] = None,
    composition: Annotated[
        str | None, typer.Option(help="As in SrTiO3: a surer answer; or unknown.")
    ] = None,
    number_density: Annotated[
        float | None, typer.Option(help="Atoms per Å³; for g(r), T(r) and R(r).")
    ] = None,
    rmin: Annotated[float | None, typer.Option(help="Cut the data here, Å.")] = None,
    rmax: Annotated[float | None, typer.Option(help="Cut the data here, Å.")] = None,
    qmin: Annotated[float | None, typer.Option(help="Start of F(Q), Å⁻¹.")] = None,
    qmax: Annotated[float | None, typer.Option(help="End of F(Q), Å⁻¹.")] = None,
    qdamp: Annotated[float | None, typer.Option(help="Damping, Å⁻¹.")] = None,
    qbroad: Annotated[float | None, typer.Option(help="Broadening, Å⁻¹.")] = None,
    radiation: Annotated[str | None, typer.Option(help="xray or neutron.")] = None,
) -> None:
    """Rank the space groups of measured PDFs.

    A file that cannot be read costs one line and the exit status 2; the others are
    answered. Conditions are those of its header where no option says otherwise.
    """
    if as_json and as_csv:
        raise ValueError("answers are printed by --json or by --csv, not by both.")
    leave_cores_to_threads()
    from gromega.model import batch as af

    conditions = {
        "rmin": rmin, "rmax": rmax, "qmin": qmin, "qmax": qmax, "qdamp": qdamp,
        "qbroad": qbroad, "radiation": radiation,
    }  # fmt: skip
    options: dict[str, Any] = {
        "quantity": quantity, "r_unit": r_unit, "composition": composition,
        "number_density": number_density,
    }  # fmt: skip
    options |= {name: value for name, value in conditions.items() if value is not None}
    explain = explain or figures is not None or library is not None
    asking = {"coverage": coverage, "reliability": reliability, "explain": explain}
    known = _library_path(library) if explain else None
    form = af.JSON if as_json else af.CSV if as_csv else af.TEXT
    paths = _measured(files)
    if figures and figures.is_file():
        raise ValueError(f"{figures} is a file; give --figures a folder.")
    drawn = _figure_paths(paths, figures) if figures else {}
    question = af.Question(model, options, asking, form, known, drawn)
    # On a terminal a bar is in the place of the answers until all are there.
    later = StringIO()
    out = later if sys.stdout.isatty() else sys.stdout
    answered = failed = 0
    out.write(form.head)
    try:
        with progress_bar("files", len(paths)) as advance:
            for answer in af.predict_files(paths, question, advance):
                if isinstance(answer, af.Unanswered):
                    typer.echo(f"gromega: {answer.reason}", err=True)
                    failed += 1
                else:
                    out.write(form.between * bool(answered) + answer)
                    answered += 1
    except KeyboardInterrupt:
        done = f"{answered} of {len(paths)} files were answered"
        typer.echo(f"gromega: {done}.", err=True)
        raise
    finally:
        out.write(form.tail)
        sys.stdout.write(later.getvalue())
    if failed:
        raise typer.Exit(2)


def _measured(paths: list[Path]) -> list[Path]:
    """Return files, and what is in folders, but for what is hidden there."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        found += [
            p
            for p in sorted(path.rglob("*"))
            if p.is_file()
            and not any(part.startswith(".") for part in p.relative_to(path).parts)
        ]
    if not found:
        raise ValueError(f"{paths[0]}: there is no file in it.")
    return list(dict.fromkeys(found))


def _figure_paths(files: list[Path], folder: Path) -> dict[Path, Path]:
    """Return where the figure of each file goes, named as it is."""
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
    model: Annotated[Path, typer.Option(help="The folder of a model.")] = Path(
        "models/spacegroup"
    ),
    library: Annotated[
        Path | None,
        typer.Option(help="Known crystals to lay over PDFs; models/library.parquet."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address; 0.0.0.0 is open to other machines.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 is any free one.")
    ] = 8000,
) -> None:
    """Serve a web page that ranks the space groups of measured PDFs, until Ctrl+C.

    Its HTTP interface is described at /openapi.json. Nothing that is sent is kept.
    """
    leave_cores_to_threads()
    from gromega.model.matches import load_library
    from gromega.model.model import load_model
    from gromega.web.server import serve as serve_app

    path = _library_path(library)
    known = load_library(path) if path else None
    serve_app(load_model(model), model.name, known, host, port)


def _library_path(path: Path | None) -> Path | None:
    """Return a path, or that of the library of the registry where it was pulled."""
    from gromega.model.matches import LIBRARY

    if path or LIBRARY.is_file():
        return path or LIBRARY
    typer.echo(
        f"gromega: {LIBRARY} is not there, so no known crystal is laid over PDFs; get "
        "it by 'dvc pull -r registry models/library.parquet.dvc', or give --library.",
        err=True,
    )
    return None
