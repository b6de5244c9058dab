"""Cards of the first format, which released models up to v1.8.1 have."""

from copy import deepcopy
from typing import Any

FORMAT_V1 = "gromega card 1"


def upgrade_from_v1(card: Any, new_format: str) -> Any:
    """Return a card of the first format with the keys of the second one.

    Anything else is returned as it is: the schema says what is wrong with it.

    Parameters
    ----------
    card
        The content of card.json.
    new_format
        The name of the second format.
    """
    if not isinstance(card, dict) or card.get("format") != FORMAT_V1:
        return card
    card = deepcopy(card)
    for *parents, old, new in (
        ("data", "crystals", "extra", "augmentation"),
        ("data", "sha256", "extra.parquet", "augmentation.parquet"),
        ("network", "memory", "neighbours"),
    ):
        node = card
        for key in parents:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict) and old in node:
            node[new] = node.pop(old)
    return {**card, "format": new_format}
