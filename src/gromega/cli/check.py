"""Commands that check: verify, doctor."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Annotated

import typer

from gromega._util.parallel import n_cores
from gromega.cli.app import app

PACKAGES = ("numpy", "numba", "jax", "flax", "zarr", "dvc", "spglib")


@app.command(epilog="Example: gromega verify data/spectra.zarr data/reference.zarr")
def verify(
    stores: Annotated[
        list[Path], typer.Argument(help="Zarr stores, such as data/spectra.zarr.")
    ],
) -> None:
    """Check Zarr stores: no file is missing or damaged, every number is finite."""
    from gromega.lake.verify import verify_store

    for store in stores:
        typer.echo(f"{store}: complete, {verify_store(store)} values")


@app.command(epilog="Example: gromega doctor")
def doctor() -> None:
    """Print the versions of packages, the cores, the devices and the engines."""
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
