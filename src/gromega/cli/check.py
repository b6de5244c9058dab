"""Commands that check: verify, doctor."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Annotated

import typer

from gromega._util.parallel import n_cores
from gromega.cli.app import app


@app.command(epilog="Example: gromega verify data/spectra.zarr data/reference.zarr")
def verify(
    stores: Annotated[list[Path], typer.Argument(help="Zarr stores of the lake.")],
) -> None:
    """Read whole stores and check every number in them."""
    from gromega.lake.verify import verify_store

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
