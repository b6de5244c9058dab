from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from gromega.cli.options import with_options
from gromega.conditions import Quantity
from gromega.measured.options import ReadOptions

WIDTH = Quantity("width", "w", "mm", "The width of the slit.")


@dataclass(frozen=True)
class Slit:
    slit_width: float = field(default=0.5, metadata={"quantity": WIDTH})
    height: float | None = field(default=None, metadata={"quantity": WIDTH})


@pytest.fixture
def received():
    return []


@pytest.fixture
def app(received):
    made = typer.Typer()

    @made.command()
    @with_options(Slit)
    def measure(
        name: Annotated[str, typer.Argument()], slit: Slit, *, count: int = 1
    ) -> None:
        """Measure."""
        received.append((name, slit, count))

    return made


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # no options: the defaults of the dataclass
        ([], ("a", Slit(), 1)),
        # some options: the others keep their defaults
        (["--slit-width", "2", "--count", "3"], ("a", Slit(2.0), 3)),
        (["--height", "4"], ("a", Slit(0.5, 4.0), 1)),
    ],
)
def test_a_command_gets_the_dataclass_of_its_options(
    app, received, arguments, expected
):
    assert CliRunner().invoke(app, ["a", *arguments]).exit_code == 0
    assert received == [expected]


def test_the_help_of_an_option_states_its_unit(app):
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert "The width of the slit, in mm." in text
    assert "default: 0.5" in text


def test_the_options_of_reading_are_options_of_a_command():
    app, received = typer.Typer(), []

    @app.command()
    @with_options(ReadOptions)
    def read(options: ReadOptions) -> None:
        """Read."""
        received.append(options.given())

    arguments = ["--r-unit", "nm", "--qmax", "20", "--radiation", "neutron"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert received == [{"r_unit": "nm", "qmax": 20.0, "radiation": "neutron"}]
