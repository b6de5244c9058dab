import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gromega.cli.app import COMMANDS
from gromega.cli.main import app

runner = CliRunner()


def listed(*arguments):
    """Return the commands in the order of the help."""
    text = runner.invoke(app, [*arguments, "--help"]).stdout
    return re.findall(r"^│ ([a-z]+) ", text[text.index("Commands") :], re.MULTILINE)


def test_commands_are_listed_from_predictions_to_checks():
    assert listed() == list(COMMANDS)
    assert set(get_command(app).commands) == set(COMMANDS)


def test_the_commands_on_models_keep_their_own_order():
    assert listed("models") == ["list", "show", "verify", "release"]


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        # options of the application, of a command, of a command in a group
        ([], "--version"),
        (["predict"], "--json"),
        (["models", "list"], "--help"),
    ],
)
def test_flags_show_no_type(arguments, flag):
    text = runner.invoke(app, [*arguments, "--help"]).stdout
    assert flag in text
    assert "bool" not in text


def test_other_options_show_their_type():
    assert "<float>" in runner.invoke(app, ["predict", "--help"]).stdout
