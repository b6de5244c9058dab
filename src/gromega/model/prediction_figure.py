"""The figure of an answer: the measured PDF, what matches it, what speaks for it."""

from matplotlib.figure import Figure

from gromega._util.plotting import style
from gromega.model.importance import WINDOW
from gromega.model.prediction import Prediction

MEASURED, MATCH, AGAINST = "#333333", "#1f6fb4", "#c2571a"


def prediction_figure(answer: Prediction, title: str = "") -> Figure:
    """Return the evidence for an answer as a figure.

    Above, the measured G(r) with that of the known crystal that matches it best and
    their difference; below, which r speak for the first group, and the probabilities
    of the first six.

    Parameters
    ----------
    answer
        The answer, with its evidence.
    title
        The title, such as the name of the file.

    Raises
    ------
    ValueError
        If the answer has no evidence.
    """
    evidence = answer.evidence
    if evidence is None:
        raise ValueError("the answer has no evidence; ask with evidence=True.")
    first = answer.groups[0]
    with style():
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1.5, 1), width_ratios=(2, 1))
        top = figure.add_subplot(grid[0, :])
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left", color="#333333")
        top.plot(evidence.r, evidence.g, color=MEASURED, linewidth=1, label="measured")
        if evidence.matches:
            found, best = evidence.matches, evidence.matches.best[0]
            label = (
                f"{best.formula} ({best.id}, {best.number}), Rw {best.rw:.2f}, cell "
                f"{100 * best.strain:+.1f} %"
            )
            top.plot(found.r, best.g, color=MATCH, linewidth=1, label=label)
            below = 1.2 * float(min(found.g.min(), best.g.min()))
            away = found.g - best.g
            top.plot(
                found.r, below - away.max() + away, color=AGAINST, linewidth=0.8,
                label="difference",
            )  # fmt: skip
        top.set(xlabel="r (Å)", ylabel="G(r)")
        top.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False,
            fontsize=8.5,
        )  # fmt: skip
        windows = figure.add_subplot(grid[1, 0], sharex=top)
        colors = [MATCH if value > 0 else AGAINST for value in evidence.speaks]
        windows.bar(
            evidence.centres, evidence.speaks, width=0.8 * WINDOW / 2, color=colors
        )
        windows.set(xlabel="r (Å)", ylabel="fall of log p")
        windows.set_title(
            f"which r speak for {first.number} {first.symbol}", fontsize=9, loc="left"
        )
        ranks = figure.add_subplot(grid[1, 1])
        six = answer.groups[:6][::-1]
        ranks.barh(
            [f"{c.number} {c.symbol}" for c in six],
            [100 * c.probability for c in six],
            color=[MATCH if c.in_set else "#a8b3bd" for c in six],
        )
        ranks.set(xlabel="probability (%)", xlim=(0, 100))
        ranks.grid(visible=False, axis="y")
    return figure
