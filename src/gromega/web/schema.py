"""The JSON that the HTTP interface returns, for its OpenAPI description."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gromega.model.neighbours import Neighbour
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.prediction import Candidate
from gromega.model.reliability import Reliability


class _Out(BaseModel):
    # Pydantic applies this to the dataclasses among the fields, too.
    model_config = ConfigDict(extra="forbid")


class MatchOut(_Out):
    """A known crystal whose simulated PDF fits the measured one."""

    id: str
    formula: str
    number: Annotated[int, Field(description="The space group number.")]
    rw: Annotated[float, Field(description="Rw of the fit.")]
    strain: Annotated[float, Field(description="The strain of its cell in the fit.")]
    uiso: Annotated[float, Field(description="Uiso of the fit, in Å².")]
    g: Annotated[list[float], Field(description="The fitted G(r) at r of the matches.")]


class MatchesOut(_Out):
    """The known crystals that fit best, the lowest Rw first."""

    n: Annotated[int, Field(description="The number of crystals compared.")]
    r: Annotated[list[float], Field(description="The distances, in Å.")]
    g: Annotated[list[float], Field(description="The measured G(r).")]
    best: list[MatchOut]


class ImportanceOut(_Out):
    """The decrease of log p of the first group when a window of r is hidden."""

    r: Annotated[list[float], Field(description="The distances, in Å.")]
    g: Annotated[list[float], Field(description="The measured G(r).")]
    width: Annotated[float, Field(description="The width of the windows, in Å.")]
    centres: Annotated[list[float], Field(description="Their centres, in Å.")]
    values: Annotated[list[float], Field(description="The decreases of log p.")]


class PredictionOut(_Out):
    """The prediction for a measured PDF."""

    groups: Annotated[
        list[Candidate], Field(description="The space groups, most probable first.")
    ]
    coverage: Annotated[
        float | None, Field(description="The coverage of the prediction set.")
    ]
    systems: Annotated[
        dict[str, float], Field(description="The probability of each crystal system.")
    ]
    neighbours: Annotated[
        list[Neighbour],
        Field(description="The training crystals with the largest weights."),
    ]
    conditions: Annotated[
        dict[str, float | str | None],
        Field(description="The conditions of the PDF; an infinite diameter is null."),
    ]
    reliability: Annotated[
        Reliability | None,
        Field(description="The accuracy on test crystals at these conditions."),
    ]
    notes: Annotated[list[str], Field(description="The reasons for caution.")]
    importance: ImportanceOut | None
    matches: MatchesOut | None
    composition: Annotated[
        str | None, Field(description="The composition that was used.")
    ]
    assumed: Annotated[
        list[str],
        Field(description="The conditions that neither file nor options state."),
    ]
    other_groups: Annotated[
        OtherGroupProbability | None,
        Field(description="The probability that the group is outside the model's."),
    ]


class ModelOut(_Out):
    """The model of the server, and the optional parts that it has."""

    name: str
    space_groups: Annotated[list[int], Field(description="The space group numbers.")]
    box: Annotated[
        dict[str, list[float | None]] | None,
        Field(description="The range of each condition in training; null is infinite."),
    ]
    reliability: Annotated[bool, Field(description="Whether it has test crystals.")]
    composition: Annotated[bool, Field(description="Whether it uses compositions.")]
    library: Annotated[int, Field(description="The number of known crystals.")]


class Problem(_Out):
    """The reason why there is no prediction, in one line."""

    detail: str
