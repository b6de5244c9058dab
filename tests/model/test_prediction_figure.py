import numpy as np

from gromega._util.plotting import save_figure
from gromega.model.prediction_figure import prediction_figure


def test_the_figure_of_a_prediction_is_the_same_each_time(
    three_groups, library, pdf, tmp_path
):
    prediction = three_groups.predict(pdf, explain=True, library=library)
    parts = prediction.groups, prediction.importance, prediction.matches
    for name in ("one", "other"):
        save_figure(prediction_figure(*parts, "a.gr"), tmp_path / name)
    for ending in (".svg", ".png"):
        one, other = (
            (tmp_path / name).with_suffix(ending).read_bytes()
            for name in ("one", "other")
        )
        assert one == other
    assert "<svg" in prediction._repr_html_()
    assert "<svg" not in three_groups.predict(pdf)._repr_html_()


def axes_of(prediction, **more):
    parts = prediction.groups, prediction.importance
    return prediction_figure(*parts, **more).axes


def test_without_matches_the_measured_pdf_is_alone(three_groups, pdf):
    top, windows, probabilities = axes_of(three_groups.predict(pdf, explain=True))
    (measured,) = top.lines
    assert measured.get_label() == "measured"
    assert windows.get_title(loc="left").startswith("importance of r for ")
    # a PDF of three groups has three probabilities, the largest on top
    widths = [bar.get_width() for bar in probabilities.patches]
    assert len(widths) == 3 and widths == sorted(widths)


def test_the_best_match_has_its_difference(three_groups, library, pdf):
    prediction = three_groups.predict(pdf, explain=True, library=library)
    top, *_ = axes_of(prediction, matches=prediction.matches, title="a.gr")
    _, match, difference = top.lines
    assert match.get_label().startswith("TiO2 (rutile, 10), Rw ")
    expected = prediction.matches.g - prediction.matches.best[0].g
    # a smooth line through the points
    assert match.get_xdata().size > 5 * prediction.matches.r.size
    np.testing.assert_allclose(match.get_xdata()[::6], prediction.matches.r)
    np.testing.assert_allclose(
        match.get_ydata()[::6], prediction.matches.best[0].g, atol=1e-5
    )
    drawn = difference.get_ydata()[::6]
    np.testing.assert_allclose(drawn - drawn[0], expected - expected[0], atol=1e-5)
    # below both curves
    assert difference.get_ydata().max() < min(
        line.get_ydata().min() for line in top.lines[:2]
    )
    assert top.figure.get_suptitle() == "a.gr"


def test_windows_for_and_against_the_group_differ_in_colour(three_groups, pdf):
    prediction = three_groups.predict(pdf, explain=True)
    windows = axes_of(prediction)[1]
    values = prediction.importance.values
    colours = [bar.get_facecolor() for bar in windows.patches]
    assert len(colours) == values.size
    assert len({c for c, v in zip(colours, values, strict=True) if v > 0}) <= 1
    assert len(set(colours)) == len({bool(v > 0) for v in values})
