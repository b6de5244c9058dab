"""The JSON of predictions and of the HTTP interface.

``python -m gromega.web.schema > docs/prediction.schema.json`` writes its JSON Schema.
"""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gromega.model.candidates import Candidate
from gromega.model.cell_size import CellSize
from gromega.model.familiarity import Familiarity
from gromega.model.hierarchy import Hierarchy
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.reliability import Reliability
from gromega.model.verdict import Verdict


class _Out(BaseModel):
    # Pydantic applies this to the dataclasses among the fields, too.
    model_config = ConfigDict(extra="forbid")


class MatchOut(_Out):
    """A known crystal whose simulated PDF fits the measured one."""

    id: str
    formula: str
    number: int = Field(description="The space group number.")
    rw: float = Field(description="Rw of the fit.")
    strain: float = Field(description="The strain of its cell in the fit.")
    uiso: float = Field(description="Uiso of the fit, in Å².")
    g: list[float] = Field(description="The fitted G(r) at r of the matches.")


class MatchesOut(_Out):
    """The known crystals that fit best, the lowest Rw first."""

    n: int = Field(description="The number of crystals compared.")
    r: list[float] = Field(description="The distances, in Å.")
    g: list[float] = Field(description="The measured G(r).")
    best: list[MatchOut]


class ImportanceOut(_Out):
    """The decrease of log p of the first group when a window of r is hidden."""

    r: list[float] = Field(description="The distances, in Å.")
    g: list[float] = Field(description="The measured G(r).")
    width: float = Field(description="The width of the windows, in Å.")
    centres: list[float] = Field(description="Their centres, in Å.")
    values: list[float] = Field(description="The decreases of log p.")


class PredictionOut(_Out):
    """The prediction for a measured PDF."""

    format: Literal["gromega prediction 1"]
    verdict: Verdict = Field(
        description="How far the first group can be relied on: level is likely, "
        "possible, undecided or unlike, reliability is high, medium, low or null."
    )
    groups: list[Candidate] = Field(
        description="The space groups, most probable first."
    )
    coverage: float | None = Field(description="The coverage of the prediction set.")
    systems: dict[str, float] = Field(
        description="The probability of each crystal system."
    )
    neighbours: list[Neighbour] = Field(
        description="The training crystals with the largest weights."
    )
    conditions: dict[str, float | str | None] = Field(
        description="The conditions of the PDF; an infinite diameter is null."
    )
    reliability: Reliability | None = Field(
        description="The accuracy on test crystals at these conditions."
    )
    notes: list[str] = Field(description="The reasons for caution.")
    importance: ImportanceOut | None
    matches: MatchesOut | None
    composition: str | None = Field(description="The composition that was used.")
    assumed: list[str] = Field(
        description="The conditions that neither file nor options state."
    )
    other_groups: OtherGroupProbability | None = Field(
        description="The probability that the group is outside the model's."
    )
    familiarity: Familiarity | None = Field(
        description="Whether known structures are like it."
    )
    hierarchy: Hierarchy | None = Field(
        description="The probabilities of lattices, Laue classes, inversion centres."
    )
    cell_size: CellSize | None = Field(
        description="The number of atoms in the primitive cell, and its volume in Å³."
    )


class MeasuredOut(_Out):
    """A measured PDF as it was read."""

    r: list[float] = Field(description="The distances of the file's points, in Å.")
    g: list[float] = Field(description="G(r) on the scale of the file, in Å⁻².")
    dialect: str = Field(description="The program that wrote the file.")
    notes: list[str] = Field(description="What was converted or left out.")


class ModelOut(_Out):
    """The model of the server, and the optional parts that it has."""

    name: str
    space_groups: list[int] = Field(description="The space group numbers.")
    box: dict[str, list[float | None]] | None = Field(
        description="The range of each condition in training; null is infinite."
    )
    reliability: bool = Field(description="Whether it has test crystals.")
    composition: bool = Field(description="Whether it uses compositions.")
    library: int = Field(description="The number of known crystals.")


class Problem(_Out):
    """The reason why there is no prediction, in one line."""

    detail: str


def schema_text() -> str:
    """Return the JSON Schema of a prediction, which allows further keys."""
    made = _open(PredictionOut.model_json_schema())
    return json.dumps(made, indent=2, ensure_ascii=False)


def _open(schema: Any) -> Any:
    """Return a schema without its ban on further keys."""
    if isinstance(schema, dict):
        return {k: _open(v) for k, v in schema.items() if k != "additionalProperties"}
    return [_open(v) for v in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    print(schema_text())
