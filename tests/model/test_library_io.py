import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gromega.model.library_io import load_library, write_library


def test_a_library_comes_back_from_its_file(library, pdf, tmp_path):
    write_library(tmp_path / "one.parquet", library)
    write_library(tmp_path / "other.parquet", library)
    again = load_library(tmp_path / "one.parquet")
    one, other = ((tmp_path / f"{n}.parquet").read_bytes() for n in ("one", "other"))
    assert one == other
    before, after = library.match(pdf), again.match(pdf)
    assert [m.id for m in before.best] == [m.id for m in after.best]
    np.testing.assert_array_equal(before.best[0].g, after.best[0].g)


def test_what_is_no_library_is_refused(library, tmp_path):
    with pytest.raises(FileNotFoundError, match="git restore"):
        load_library(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"text\.parquet: not a library of crystals"):
        load_library(tmp_path / "text.parquet")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="its format is None"):
        load_library(tmp_path / "other.parquet")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # the name of a column, the number of levels, a radiation, the hash itself
        (b"neutron_largest", b"neutrno_largest"),
        (b'"levels": 63', b'"levels": 9'),
        (b'["xray", "neutron"]', b'["xraz", "neutron"]'),
        (b'"sha256": "', b'"sha256": "x'),
        # no hash
        (b'"sha256"', b'"sha257"'),
    ],
)
def test_a_library_with_changed_facts_is_refused(library, tmp_path, old, new):
    path = tmp_path / "one.parquet"
    write_library(path, library)
    table = pq.read_table(path)
    facts = table.schema.metadata[b"gromega"].replace(old, new)
    names = [name.encode().replace(old, new).decode() for name in table.column_names]
    changed = table.rename_columns(names).replace_schema_metadata({"gromega": facts})
    pq.write_table(changed, path)
    with pytest.raises(ValueError, match=r"one\.parquet"):
        load_library(path)
