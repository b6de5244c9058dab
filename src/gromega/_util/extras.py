"""The extras of the installation: which extra has which package."""

import sys

EXTRAS = {
    "simulate": ["numba"],
    "web": ["anyio", "fastapi", "starlette", "uvicorn"],
    "lake": [
        "dvc",
        "filelock",
        "jinja2",
        "jsonschema",
        "pyarrow",
        "pydantic",
        "scmrepo",
        "sklearn",
        "xarray",
        "yaml",
        "zarr",
    ],
    "train": ["flax", "jax", "optax", "orbax"],
    "cluster": ["distributed"],
}
"""The modules that each extra of pyproject.toml adds; `lake` needs `simulate`, and
`train` needs `lake`. What an extra takes from another is not repeated."""


def explain_missing(error: ImportError) -> str:
    """Return an import error as one line that names the extra to install.

    Parameters
    ----------
    error
        The error. The message of one that is not about a package of an extra is
        returned as it is.
    """
    module = (error.name or "").split(".")[0]
    # A package that is installed but broken raises another error in itself.
    for extra, modules in EXTRAS.items():
        if isinstance(error, ModuleNotFoundError) and module in modules:
            return (
                f"this needs the package {module}, which is not installed for "
                f"{sys.executable}; install it with pip install 'gromega[{extra}]'."
            )
    return str(error)
