"""Text for reports, cards and tables: percentages, Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence


def in_percent(share: float, digits: int = 1) -> str:
    """Return a share as a number in percent, without the sign: ``70.7``."""
    return f"{100 * share:.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share with its percent sign: ``70.7 %``."""
    return f"{in_percent(share, digits)} %"


def shares_text(shares: Mapping[str, float]) -> str:
    """Return the shares that are at least half a percent: ``cubic 86 %, ...``."""
    shown = (
        (name, percent(share, 0)) for name, share in shares.items() if share >= 0.005
    )
    return ", ".join(f"{name} {text}" for name, text in shown)


def signed_points(difference: float) -> str:
    """Return a difference of two shares in percentage points: ``+1.2``."""
    return f"{100 * difference:+.1f}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, its first column aligned left, the others right."""
    rule = [":---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
