"""The style of figures, and files of the same bytes for the same figure."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from gromega._util.files import write_whole

_STYLE: Any = {
    "svg.hashsalt": "gromega",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the style of the project, whatever the matplotlibrc of the user."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG and PNG."""
    write_whole(path.with_suffix(".svg"), to_svg(figure))
    drawn = BytesIO()
    with style():
        metadata: Any = {"Software": None}
        figure.savefig(drawn, format="png", dpi=160, metadata=metadata)
    write_whole(path.with_suffix(".png"), drawn.getvalue())


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG."""
    file = StringIO()
    metadata: Any = {"Date": None, "Creator": None}
    with style():
        figure.savefig(file, format="svg", metadata=metadata)
    return file.getvalue()
