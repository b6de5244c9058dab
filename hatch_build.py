"""Build hook: the released model is part of the wheel and of the source archive."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODEL = Path("models/spacegroup")
FILES = ("weights.safetensors", "config.json")


class ModelHook(BuildHookInterface):
    """Add the released model, checked by the hashes of its card."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse to build without the model; an editable install needs none."""
        if version == "editable":
            return
        folder = Path(self.root, MODEL)
        try:
            card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
            stated = {name: card["sha256"][name] for name in FILES}
            found = {
                name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
                for name in FILES
            }
        except (OSError, ValueError, KeyError) as error:
            raise SystemExit(
                f"{MODEL}: the released model is missing or damaged ({error}); "
                f"run 'git restore {MODEL}'."
            ) from None
        if found != stated:
            raise SystemExit(
                f"{MODEL}: a file differs from its card; run 'git restore {MODEL}'."
            )
        inside = MODEL if self.target_name == "sdist" else Path("gromega") / MODEL
        for file in sorted(folder.iterdir()):
            build_data["force_include"][str(file)] = str(inside / file.name)
