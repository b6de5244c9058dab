"""Commands that check: verify, doctor."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Annotated

import typer

from gromega._util.parallel import n_cores
from gromega.cli.app import app

PACKAGES = ("numpy", "numba", "jax", "flax", "zarr", "dvc", "spglib")


@app.command(epilog="Example: gromega verify data/spectra.zarr models/spacegroup")
def verify(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Stores, tables, models, libraries, or folders of them; all that DVC "
            "tracks if left out.",
        ),
    ] = None,
    remote: Annotated[
        bool,
        typer.Option(
            "--remote",
            help="Check what the remotes of DVC hold. The arguments are their names.",
        ),
    ] = False,
) -> None:
    """Check files for damage; the exit status is 1 if one is damaged or missing."""
    from gromega.registry.remote import verify_remotes
    from gromega.registry.verify import verify_paths

    paths = paths or []
    found = verify_remotes(paths) if remote else verify_paths([*map(Path, paths)])
    problems = 0
    for finding in found:
        typer.echo(finding)
        problems += bool(finding.problem)
    if problems:
        raise typer.Exit(1)


@app.command(epilog="Example: gromega doctor")
def doctor() -> None:
    """Print what is installed: versions of packages, cores, devices and engines."""
    from gromega.pdf import srreal

    facts = {"gromega": importlib.metadata.version("gromega")}
    facts["python"] = platform.python_version()
    for name in PACKAGES:
        try:
            facts[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            facts[name] = "not installed"
    facts["cores"] = str(n_cores())
    try:
        import jax

        facts["devices"] = ", ".join(map(str, jax.devices()))
    except ImportError:
        facts["devices"] = "cpu (for others, install JAX: pip install 'gromega[train]')"
    facts["engines"] = (
        "native, srreal"
        if srreal.available()
        else "native (for srreal, install diffpy.srreal from conda-forge)"
    )
    for name, value in facts.items():
        typer.echo(f"{name:10} {value}")
