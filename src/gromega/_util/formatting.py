"""Text for reports, cards and tables: percentages, intervals, Markdown tables."""

from collections.abc import Iterable, Sequence


def in_percent(share: float, digits: int = 1) -> str:
    """Return a share as a number in percent, without the sign: ``70.7``."""
    return f"{100 * share:.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share with its percent sign: ``70.7 %``."""
    return f"{in_percent(share, digits)} %"


def in_percent_with_range(value: float, low: float, high: float) -> str:
    """Return a share and its interval in percent, for a table: ``70.7 (69.7–71.7)``."""
    return f"{in_percent(value)} ({in_percent(low)}–{in_percent(high)})"


def percent_with_range(value: float, low: float, high: float, digits: int = 1) -> str:
    """Return a share and its interval, for a sentence: ``70.7 % (69.7–71.7 %)``."""
    range_ = f"{in_percent(low, digits)}–{percent(high, digits)}"
    return f"{percent(value, digits)} ({range_})"


def signed_points(difference: float) -> str:
    """Return a difference of two shares in percentage points: ``+1.2``."""
    return f"{100 * difference:+.1f}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, its first column aligned left, the others right."""
    rule = [":---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
