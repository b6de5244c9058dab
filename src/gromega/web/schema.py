"""What the HTTP interface answers, for its OpenAPI description."""

from pydantic import BaseModel

from gromega.model.candidates import Candidate
from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.reliability import Reliability


class MatchOut(BaseModel):
    """A known crystal, its PDF at the conditions of the file, and Rw."""

    id: str
    formula: str
    number: int
    rw: float
    strain: float
    uiso: float
    g: list[float]


class MatchesOut(BaseModel):
    """The known crystals that match best, of n; all g are at these r."""

    n: int
    r: list[float]
    g: list[float]
    best: list[MatchOut]


class ImportanceOut(BaseModel):
    """The decrease of log p of the first group without each window; r in Å."""

    r: list[float]
    g: list[float]
    width: float
    centres: list[float]
    values: list[float]


class PredictionOut(BaseModel):
    """The space groups of a measured PDF, most probable first."""

    groups: list[Candidate]
    coverage: float | None
    systems: dict[str, float]
    neighbours: list[Neighbour]
    conditions: dict[str, float | str | None]
    reliability: Reliability | None
    notes: list[str]
    importance: ImportanceOut | None
    matches: MatchesOut | None
    composition: str | None
    assumed: list[str]
    other_groups: OtherGroupProbability | None


class ModelOut(BaseModel):
    """The model that answers, and what it makes use of."""

    name: str
    space_groups: list[int]
    box: dict[str, list[float | None]] | None
    reliability: bool
    composition: bool
    library: int


class Problem(BaseModel):
    """Why there is no answer, in one line."""

    detail: str
