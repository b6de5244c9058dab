"""Commands that read or make crystals: simulate, ingest, synthesize."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gromega._util.parallel import ADDRESS
from gromega._util.progress import progress_bar
from gromega.cli.app import app

Scheduler = Annotated[
    str | None,
    typer.Option(
        envvar=ADDRESS,
        help="A Dask scheduler, such as tcp://node1:8786, whose workers do the work.",
    ),
]


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
    from gromega.evaluation.figures.crystals import crystals_figure
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
