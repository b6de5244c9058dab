"""The name of a released model, and the hash of its card, without any extra."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""The regular expression of the names of released models."""
FORMAT_V1 = "gromega card 1"
"""The format of the cards of releases up to v1.8.1, which have no manifest."""


def check_name(name: str) -> None:
    """Raise ValueError unless a released model may have this name."""
    if not re.fullmatch(NAME, name):
        raise ValueError(
            "the name of a model consists of lower-case letters, digits and hyphens, "
            f"got {name!r}."
        )


def card_hash(card: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the text of a card without this very hash."""
    others = {name: h for name, h in card["sha256"].items() if name != "card.json"}
    return hashlib.sha256(card_text({**card, "sha256": others}).encode()).hexdigest()


def card_text(card: Mapping[str, Any]) -> str:
    """Return the text of card.json; raise ValueError for NaN, which JSON lacks."""
    return json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
