import io
import json
from copy import deepcopy
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import ValidationError

from gromega import read_pdf
from gromega.conditions import QUANTITIES
from gromega.measured.examples import EXAMPLES
from gromega.model.prediction import FORMAT, Prediction
from gromega.model.summary import COLUMNS
from gromega.web.schema import PredictionOut, schema_text

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def mapping(model, library):
    """The JSON of a prediction with all of its parts."""
    pdf = read_pdf(io.StringIO(EXAMPLES["rutile-synchrotron.gr"]))
    prediction = model.predict(pdf, 0.9, True, True, library)
    return json.loads(json.dumps(prediction.to_mapping()))


def test_the_schema_has_the_parts_of_a_prediction(mapping):
    assert list(PredictionOut.model_fields) == [
        "format", *(each.name for each in fields(Prediction)),
    ]  # fmt: skip
    assert mapping["format"] == FORMAT
    assert all(mapping[part] is not None for part in ("reliability", "matches"))
    assert PredictionOut.model_validate(mapping).model_dump(mode="json") == mapping
    assert set(mapping["conditions"]) == set(QUANTITIES)


@pytest.mark.parametrize(
    "path",
    [
        # a key that the schema lacks: an error, at each level
        (),
        ("groups", 0),
        ("neighbours", 0),
        ("reliability", "top1"),
        ("importance",),
        ("matches", "best", 0),
        ("other_groups",),
    ],
)
def test_the_schema_allows_no_further_keys(mapping, path):
    changed = deepcopy(mapping)
    place = changed
    for key in path:
        place = place[key]
    place["further"] = 1.0
    with pytest.raises(ValidationError, match="further"):
        PredictionOut.model_validate(changed)


def test_the_docs_describe_the_schema():
    # python -m gromega.web.schema > docs/prediction.schema.json
    made = json.loads((DOCS / "prediction.schema.json").read_text("utf-8"))
    assert made == json.loads(schema_text())
    text = (DOCS / "formats.md").read_text("utf-8")
    for name in [*PredictionOut.model_fields, *COLUMNS]:
        assert f"`{name}`" in text
