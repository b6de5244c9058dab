import jinja2
import pytest

from gromega._util import templates


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with templates."""
    monkeypatch.setattr(templates.resources, "files", lambda name: tmp_path / name)
    (tmp_path / "room").mkdir()
    return tmp_path / "room"


def test_html_is_escaped_and_markdown_is_not(room):
    for name in ("a.html.j2", "a.md.j2"):
        (room / name).write_text("{{ text }}\n")
    assert templates.render_template("room", "a.html.j2", text="<b>") == "&lt;b&gt;\n"
    assert templates.render_template("room", "a.md.j2", text="<b>") == "<b>\n"


def test_shares_and_tables_are_formatted_in_the_template(room):
    (room / "a.md.j2").write_text("{{ x | percent }}, {{ x | in_percent(0) }}")
    assert templates.render_template("room", "a.md.j2", x=0.5) == "50.0 %, 50"
    (room / "a.md.j2").write_text('{{ markdown_table(["a"], [["1"]]) }}')
    assert templates.render_template("room", "a.md.j2").splitlines()[-1] == "| 1 |"


def test_a_missing_value_raises(room):
    (room / "a.md.j2").write_text("{{ missing }}")
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        templates.render_template("room", "a.md.j2")
