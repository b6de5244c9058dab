"""What the HTTP interface answers, for its OpenAPI description."""

from pydantic import BaseModel

from gromega.model.prediction import Candidate, Neighbour, OtherGroupProbability
from gromega.model.reliability import Reliability


class Windows(BaseModel):
    """What speaks for the first group: log p falls so much without a window."""

    width: float
    centre: list[float]
    speaks: list[float]


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
    """The known crystals that match best, of n; their g is at these r."""

    n: int
    r: list[float]
    best: list[MatchOut]


class EvidenceOut(BaseModel):
    """What in the PDF speaks for the first group; r in Å."""

    r: list[float]
    g: list[float]
    windows: Windows
    matches: MatchesOut | None


class PredictionOut(BaseModel):
    """The space groups of a measured PDF, most probable first."""

    groups: list[Candidate]
    coverage: float | None
    systems: dict[str, float]
    nearest: list[Neighbour]
    conditions: dict[str, float | str | None]
    trust: Reliability | None
    warnings: list[str]
    evidence: EvidenceOut | None
    composition: str | None
    assumed: list[str]
    other_group: OtherGroupProbability | None


class ModelOut(BaseModel):
    """The model that answers, and what it makes use of."""

    name: str
    space_groups: list[int]
    box: dict[str, list[float | None]] | None
    trust: bool
    composition: bool
    library: int


class Problem(BaseModel):
    """Why there is no answer, in one line."""

    detail: str
