import numpy as np
import pytest

from gromega.networks.build import make_network
from gromega.networks.inference import Compiled

NETWORK = {
    "name": "resnet", "widths": (8,), "blocks": (1,), "dense": 12, "dropout": 0.5,
    "embedding": 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return make_network(NETWORK, 4, 0)


@pytest.mark.parametrize("n", [1, 2, 17, 128, 129, 513])
def test_each_row_is_that_of_the_network_for_any_number_of_rows(network, n, generator):
    g = generator.normal(size=(n, 209)).astype(np.float32)
    engine = Compiled(network)
    log_p = engine.predict(g)
    assert log_p.shape == (n, 4)
    # without dropout
    np.testing.assert_allclose(log_p[-3:], network(g[-3:]), atol=1e-5)
    embeddings = engine.embed(g)
    assert embeddings.shape == (n, 6)
    np.testing.assert_allclose(engine.head(embeddings), log_p, atol=1e-5)


def test_outputs_that_are_not_finite_are_an_error(generator):
    broken = make_network(NETWORK, 4, 0)
    broken.last.bias[...] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        Compiled(broken).predict(generator.normal(size=(2, 209)).astype(np.float32))
