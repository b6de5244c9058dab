"""The command line: parses, calls, prints."""

import importlib.metadata
import json
import platform
import re
import sys
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gromega._util.parallel import ADDRESS, leave_cores_to_threads, n_cores
from gromega._util.progress import progress_bar, run_or_explain
from gromega.cli import models as cli_models

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Space groups from atomic pair distribution functions, and how far to "
    "trust them.",
)
app.add_typer(cli_models.app, name="models")


Scheduler = Annotated[
    str | None,
    typer.Option(
        envvar=ADDRESS,
        help="A Dask scheduler, such as tcp://node1:8786, whose workers do the work.",
    ),
]


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("gromega"))
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command(
    epilog="Example: gromega simulate rutile.cif --qmax 25 --qdamp 0.03 -o rutile.gr"
)
def simulate(
    file: Annotated[Path, typer.Argument(help="A CIF file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; standard output if none."),
    ] = None,
    rmin: Annotated[float, typer.Option(help="Start of G(r), Å.")] = 1.5,
    rmax: Annotated[float, typer.Option(help="End of G(r), Å.")] = 30.0,
    qmin: Annotated[float, typer.Option(help="Start of F(Q), Å⁻¹.")] = 0.5,
    qmax: Annotated[float, typer.Option(help="End of F(Q), Å⁻¹.")] = 23.0,
    qdamp: Annotated[float, typer.Option(help="Instrumental damping, Å⁻¹.")] = 0.04,
    qbroad: Annotated[float, typer.Option(help="Instrumental broadening, Å⁻¹.")] = 0.01,
    uiso: Annotated[float, typer.Option(help="Displacement of all atoms, Å².")] = 0.008,
    delta1: Annotated[float, typer.Option(help="Correlated motion, Å.")] = 0.0,
    delta2: Annotated[float, typer.Option(help="Correlated motion, Å².")] = 0.0,
    diameter: Annotated[
        float, typer.Option(help="Spherical crystallite's diameter, Å.")
    ] = float("inf"),
    noise: Annotated[float, typer.Option(help="Noise over signal, r.m.s.")] = 0.0,
    radiation: Annotated[str, typer.Option(help="xray or neutron.")] = "xray",
    engine: Annotated[str, typer.Option(help="native or srreal.")] = "native",
) -> None:
    """Simulate G(r) of a crystal; the defaults are the reference conditions."""
    from gromega._util.files import write_whole
    from gromega.conditions import Conditions
    from gromega.crystals.io.cif import read_crystal
    from gromega.pdf.simulate import simulate as simulate_pdfs

    omega = Conditions(
        rmin, rmax, qmin, qmax, qdamp, qbroad, uiso,
        delta1, delta2, diameter, noise, radiation=radiation,
    )  # fmt: skip
    r, g = simulate_pdfs([read_crystal(file)], omega, engine)
    stated = [f"# {name} = {value}" for name, value in asdict(omega).items()]
    rows = [f"{x:.6f} {y:.6f}" for x, y in zip(r, g[0], strict=True)]
    text = "\n".join([*stated, "# r (Å)  G(r) (Å⁻²)", *rows]) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


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
    trust: Annotated[
        bool,
        typer.Option(
            help="Test the model at the conditions of each file, a second for each."
        ),
    ] = True,
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="Say what speaks for the first group: which r, which known crystals; "
            "--library and --figures do so too.",
        ),
    ] = False,
    library: Annotated[
        Path | None,
        typer.Option(help="Known crystals to lay over PDFs; models/library.parquet."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="A folder for a figure of the evidence for each file."),
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
    evidence = evidence or figures is not None or library is not None
    asking = {"coverage": coverage, "trust": trust, "evidence": evidence}
    known = _library_path(library) if evidence else None
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


@app.command(epilog="Example: gromega ingest cifs/ cod.tar.gz --out data/mine.parquet")
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="CIF and POSCAR files, folders of any depth, archives (.zip, .tar, "
            ".tar.gz, .tar.bz2, .tar.xz), tables (.parquet)."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The table of crystals to write.")
    ] = Path("data/crystals.parquet"),
    quarantine: Annotated[
        Path | None,
        typer.Option(
            help="The list of what is refused, and why; beside the table if none: "
            "quarantine.csv, or mine-quarantine.csv of mine.parquet."
        ),
    ] = None,
    inorganic: Annotated[
        bool, typer.Option(help="Refuse hydrogen-rich organics.")
    ] = False,
    max_atoms: Annotated[
        int, typer.Option(min=1, help="Most atoms in a cell, per lattice point.")
    ] = 1000,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Time limit for each crystal, s.")
    ] = 20.0,
    mebibytes: Annotated[
        int, typer.Option(min=512, help="Neighbours limit for each process, MiB.")
    ] = 4096,
    scheduler: Scheduler = None,
) -> None:
    """Make a table of crystals, with space groups, from a collection of any kind."""
    from gromega._util.files import write_json
    from gromega._util.plotting import save_figure
    from gromega.crystals.collection import summarise
    from gromega.crystals.ingest.validate import IngestOptions
    from gromega.crystals.ingest.worker import Limits
    from gromega.evaluation.figures import crystals_figure
    from gromega.pipeline.gather import gather

    beside = (
        "quarantine.csv" if out.stem == "crystals" else f"{out.stem}-quarantine.csv"
    )
    _check_table(out, paths)
    quarantine = quarantine or out.with_name(beside)
    if quarantine.is_dir() or quarantine.suffix != ".csv":
        raise ValueError(f"{quarantine}: give --quarantine a file to write, x.csv.")
    options = IngestOptions(max_atoms=max_atoms, inorganic=inorganic)
    limits = Limits(seconds, mebibytes)
    tally = gather(paths, out, quarantine, scheduler, options, limits)
    if tally.taken:
        summary = {**summarise(out), "ingest": tally.summary()}
        write_json(out.with_suffix(".json"), summary)
        save_figure(crystals_figure(summary), out.with_suffix(""))
    else:
        # Those of a table that was here before tell of other crystals.
        for suffix in (".json", ".svg", ".png"):
            out.with_suffix(suffix).unlink(missing_ok=True)
    typer.echo(f"{out}, {quarantine}")


def _check_table(out: Path, sources: list[Path]) -> None:
    """Refuse to write a table where it cannot be, or over what it is made from."""
    if out.suffix != ".parquet" or out.is_dir():
        raise ValueError(f"{out}: give --out a file to write, mine.parquet.")
    there = [source for source in sources if source.exists()]
    if out.exists() and any(map(out.samefile, there)):
        raise ValueError(f"{out}: it is what is read; give --out another file.")


@app.command(
    epilog="Example: gromega synthesize --group 225 --group 62 --count 500 "
    "--out data/more.parquet"
)
def synthesize(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The table of crystals to write.")
    ],
    recipe: Annotated[
        Path | None,
        typer.Option(help="A recipe (.yaml), in place of the options below."),
    ] = None,
    group: Annotated[
        list[int] | None,
        typer.Option(min=1, max=230, help="A space group number; all 230 if none."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Crystals of each space group; 100 if none."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the random numbers; 0 if none.")
    ] = None,
) -> None:
    """Make synthetic crystals of any space groups, each confirmed by spglib."""
    from gromega._util.parallel import open_processes
    from gromega.crystals.generate.synthetic import SyntheticRecipe, write_synthetic

    _check_table(out, [])
    if recipe and (group or count is not None or seed is not None):
        raise ValueError(
            "--recipe says all; leave it out, or --group, --count and --seed."
        )
    if recipe:
        wanted = SyntheticRecipe.from_yaml(recipe)
    else:
        wanted = SyntheticRecipe(tuple(group or range(1, 231)), count or 100, seed or 0)
    with progress_bar("crystals", wanted.size) as advance, open_processes() as pool:
        write_synthetic(out, wanted, pool, advance)
    typer.echo(f"{out}: {wanted.size} crystals")


@app.command(epilog="Example: gromega evaluate models/current --data ../real/data")
def evaluate(
    model: Annotated[Path, typer.Argument(help="The folder of a model.")],
    data: Annotated[
        Path,
        typer.Option(help="The data of a pipeline, as 'dvc repro' makes them."),
    ] = Path("data"),
) -> None:
    """Score a model on the test part of a pipeline's data, its own or another's."""
    from gromega.evaluation.score import score
    from gromega.lake.splits import read_part
    from gromega.lake.store import read_pdfs
    from gromega.model.model import load_model
    from gromega.networks.logits import classes
    from gromega.pipeline.parts import formulas_of

    ids, labels = read_part(data / "split.parquet", "test")
    loaded = load_model(model)
    y = classes(loaded.space_groups, labels)
    g = read_pdfs(data / "reference.zarr", ids)
    formulas = None
    if loaded.uses_compositions:
        formulas = formulas_of(ids, data / "crystals.parquet")
    alone, told = loaded.without_and_with_composition(g, formulas)
    typer.echo(json.dumps(score(alone, y, told)))


@app.command(epilog="Example: gromega results")
def results(
    metrics: Annotated[Path, typer.Argument(help="The folder of the metrics.")] = Path(
        "metrics"
    ),
) -> None:
    """Print the accuracies of the pipeline's last run beside the paper's."""
    from gromega._util.files import read_json
    from gromega.evaluation import paper
    from gromega.registry.card_markdown import accuracies
    from gromega.sweeps import AXES, BEYOND

    reference = read_json(metrics / "reference.json")
    training = read_json(metrics / "train.json")
    printer = Console(highlight=False)
    printer.print(
        f"{training['n_train']} training, {training['n_validation']} validation and "
        f"{reference['n']} test crystals"
    )
    printer.print(
        f"reference: top-1 {reference['top1']:.1%}, top-6 {reference['top6']:.1%} "
        f"(Lan et al., other crystals: {paper.PAPER_REFERENCE['top1']:.1%}, "
        f"{paper.PAPER_REFERENCE['top6']:.1%})"
    )
    told = reference.get("with_composition")
    if told:
        printer.print(
            f"the composition known: top-1 {told['top1']:.1%}, top-6 {told['top6']:.1%}"
        )
    for axis in (AXES | BEYOND).values():
        path = metrics / "sweeps" / f"{axis.name}.json"
        if not path.is_file():
            continue
        scores = read_json(path)
        unit = f" ({axis.unit})" if axis.unit else ""
        table = Table(title=f"{axis.name}{unit}", title_justify="left")
        theirs = paper.reported(axis)
        headings, cells = accuracies(scores)
        for heading in ("", *headings, *(("Lan top-1", "Lan top-6") * bool(theirs))):
            table.add_column(heading, justify="right")
        for key, row in cells.items():
            table.add_row(key, *row, *(f"{value:.1%}" for value in theirs.get(key, ())))
        printer.print(table)


@app.command(epilog="Example: gromega report --compare main~1")
def report(
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Another run to compare with: a git revision, or the folder of "
            "another pipeline. May be given several times."
        ),
    ] = None,
) -> None:
    """Write the report on the pipeline's last run, metrics/report/index.html."""
    from gromega.params import read_params
    from gromega.pipeline.paths import REPORT
    from gromega.pipeline.report import report as make_report

    make_report(read_params(), compare or ())
    typer.echo(f"{REPORT}/index.html, and report.md beside it")


@app.command(epilog="Example: gromega verify data/spectra.zarr data/reference.zarr")
def verify(
    stores: Annotated[list[Path], typer.Argument(help="Zarr stores of the lake.")],
) -> None:
    """Read whole stores and check every number in them."""
    from gromega.lake.store import verify_store as verify_store

    for store in stores:
        typer.echo(f"{store}: whole, {verify_store(store)} numbers")


@app.command(epilog="Example: gromega doctor")
def doctor() -> None:
    """Say what this machine has: versions, cores, devices, engines."""
    import jax

    from gromega.pdf import srreal

    facts = {
        "gromega": importlib.metadata.version("gromega"),
        "python": platform.python_version(),
        **{
            name: importlib.metadata.version(name)
            for name in ("numpy", "numba", "jax", "flax", "zarr", "dvc", "spglib")
        },
        "cores": str(n_cores()),
        "devices": ", ".join(str(device) for device in jax.devices()),
        "engines": "native, srreal"
        if srreal.available()
        else "native (srreal: install diffpy.srreal from conda-forge)",
    }
    for name, value in facts.items():
        typer.echo(f"{name:10} {value}")


def main() -> None:
    """Run the command line."""
    run_or_explain(app)
