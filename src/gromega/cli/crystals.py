"""Commands that read or make crystals: simulate, ingest, synthesize."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gromega._util.parallel import ADDRESS
from gromega._util.progress import progress_bar
from gromega.cli.app import app
from gromega.cli.options import with_options
from gromega.conditions import Conditions

Table = Annotated[
    Path, typer.Option("--out", "-o", help="The table of crystals to write.")
]


@app.command(
    epilog="Example: gromega simulate rutile.cif --qmax 25 --qdamp 0.03 -o rutile.gr"
)
@with_options(Conditions)
def simulate(
    file: Annotated[Path, typer.Argument(help="A CIF file.")],
    conditions: Conditions,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The file to write; standard output by default."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="native, or srreal: diffpy.srreal from conda-forge.")
    ] = "native",
) -> None:
    """Simulate G(r) of a crystal at the conditions given by the options.

    The defaults are the reference: the conditions of the paper (Lan et al.).
    """
    from gromega._util.files import write_whole
    from gromega.crystals.io.cif import read_crystal
    from gromega.pdf.simulate import narrowest_peak
    from gromega.pdf.simulate import simulate as simulate_pdfs

    crystal = read_crystal(file)
    r, g = simulate_pdfs([crystal], conditions, engine)
    if d := narrowest_peak(crystal, conditions):
        typer.echo(
            f"gromega: delta1 and delta2 leave the peak at {d:.2f} Å no width, and "
            "G(r) is inexact there; give lower ones.",
            err=True,
        )
    header = [f"# {name} = {value}" for name, value in asdict(conditions).items()]
    rows = [f"{x:.6f} {y:.6f}" for x, y in zip(r, g[0], strict=True)]
    text = "\n".join([*header, "# r (Å)  G(r) (Å⁻²)", *rows]) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


@app.command(epilog="Example: gromega ingest cifs/ cod.tar.gz --out data/mine.parquet")
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="CIF and POSCAR files, folders, archives (.zip, .tar, .tar.gz, "
            ".tar.bz2, .tar.xz) and tables (.parquet)."
        ),
    ],
    out: Table = Path("data/crystals.parquet"),
    quarantine: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of refused inputs and reasons. The default is beside the "
            "table: quarantine.csv for crystals.parquet, mine-quarantine.csv for "
            "mine.parquet."
        ),
    ] = None,
    inorganic: Annotated[
        bool, typer.Option(help="Refuse hydrogen-rich organics.")
    ] = False,
    max_atoms: Annotated[
        int, typer.Option(min=1, help="Largest number of atoms per lattice point.")
    ] = 1000,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Time limit for each crystal in s.")
    ] = 20.0,
    mebibytes: Annotated[
        int, typer.Option(min=512, help="Memory limit for each process in MiB.")
    ] = 4096,
    scheduler: Annotated[
        str | None,
        typer.Option(
            envvar=ADDRESS,
            help="Use the workers of a Dask scheduler, such as tcp://node1:8786.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that no ingest has written.")
    ] = False,
) -> None:
    """Check crystal files, and make a table of the crystals with their space groups."""
    from gromega.crystals.ingest.validate import IngestOptions
    from gromega.crystals.ingest.worker import Limits
    from gromega.crystals.io.find import find_sources
    from gromega.pipeline.collection import beside, summary_files, write_collection
    from gromega.pipeline.gather import ingest_with_progress

    check_table(out, paths)
    quarantine = quarantine or beside(out, "quarantine.csv")
    if quarantine.is_dir() or quarantine.suffix != ".csv":
        raise ValueError(
            f"--quarantine must name a .csv file, got {quarantine}; use x.csv."
        )
    if not force:
        _check_own(out, quarantine, summary_files(out))
    examine = partial(
        ingest_with_progress,
        find_sources(paths),
        scheduler=scheduler,
        options=IngestOptions(max_atoms=max_atoms, inorganic=inorganic),
        limits=Limits(seconds, mebibytes),
    )
    write_collection(out, quarantine, examine)
    typer.echo(f"{out}, {quarantine}")


def _check_own(table: Path, quarantine: Path, beside: list[Path]) -> None:
    """Raise ValueError if an ingest would replace a file that no ingest has written."""
    from gromega.crystals.ingest.ingest import is_quarantine
    from gromega.crystals.table import is_own_table

    summary = beside[0]
    text = summary.read_text("utf-8", "replace") if summary.is_file() else ""
    is_summary = '"ingest"' in text and '"by_space_group"' in text
    for path, is_own in (
        (table, is_own_table(table)),
        (quarantine, is_quarantine(quarantine)),
        *((path, is_summary) for path in beside),
    ):
        if path.exists() and not is_own:
            raise ValueError(
                f"{path} exists, and no ingest has written it; use another --out, or "
                "--force to replace it."
            )


def check_table(out: Path, sources: list[Path]) -> None:
    """Raise ValueError unless a table can be written without replacing a source."""
    if out.suffix != ".parquet" or out.is_dir():
        raise ValueError(f"--out must name a .parquet file, got {out}.")
    existing = [source for source in sources if source.exists()]
    if out.exists() and any(map(out.samefile, existing)):
        raise ValueError(f"--out must not be an input, got {out}; use another file.")


@app.command(
    epilog="Example: gromega synthesize --group 225 --group 62 --count 500 "
    "--out data/more.parquet"
)
def synthesize(
    out: Table,
    recipe: Annotated[
        Path | None,
        typer.Option(help="A recipe (.yaml) to use instead of the options below."),
    ] = None,
    group: Annotated[
        list[int] | None,
        typer.Option(
            min=1, max=230, help="A space group number. The default is all 230."
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Crystals of each space group. The default is 100."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the random numbers. The default is 0."),
    ] = None,
) -> None:
    """Make synthetic crystals of given space groups, each confirmed by spglib."""
    from gromega._util.parallel import open_processes
    from gromega.crystals.generate.recipe import SyntheticRecipe
    from gromega.crystals.generate.synthetic import write_synthetic

    check_table(out, [])
    if not recipe:
        wanted = SyntheticRecipe(tuple(group or range(1, 231)), count or 100, seed or 0)
    elif group or count is not None or seed is not None:
        raise ValueError(
            "--recipe excludes --group, --count and --seed; omit one or the other."
        )
    else:
        wanted = SyntheticRecipe.from_yaml(recipe)
    with progress_bar("crystals", wanted.size) as advance, open_processes() as pool:
        write_synthetic(out, wanted, pool, advance)
    typer.echo(f"{out}: {wanted.size} crystals")
