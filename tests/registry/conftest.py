import pytest
from releasable import write_pipeline


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """The current folder, with the files of a small pipeline."""
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
