import matplotlib as mpl
from matplotlib.figure import Figure

from gromega._util.plotting import save_figure, style, to_svg


def draw():
    with style():
        figure = Figure()
        figure.add_subplot().plot([0, 1], [0, 1])
    return figure


def test_the_same_figure_has_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_figure(draw(), tmp_path / name)
    for suffix in (".svg", ".png"):
        one, other = (tmp_path / f"{name}{suffix}" for name in "ab")
        assert one.read_bytes() == other.read_bytes()


def test_the_settings_of_the_user_change_nothing():
    expected, before = to_svg(draw()), mpl.rcParams["font.size"]
    with mpl.rc_context({"font.size": 30, "axes.grid": False}):
        assert to_svg(draw()) == expected
    assert mpl.rcParams["font.size"] == before
