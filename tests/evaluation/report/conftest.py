import pytest
from reports import report


@pytest.fixture(scope="session")
def made():
    return report()
