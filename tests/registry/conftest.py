import pytest
from releasable import write_pipeline


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """The current folder, with the files of a small pipeline."""
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_models_of_the_user(tmp_path, monkeypatch):
    """Only the models of a test are found, not those that its user has pulled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
