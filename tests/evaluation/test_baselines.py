import numpy as np

from gromega.evaluation.baselines import logistic_regression, nearest_neighbours


def waves(n, seed):
    generator = np.random.default_rng(seed)
    y = np.arange(n) % 3
    phase = generator.uniform(0, 1, (n, 1))
    x = np.sin((1 + y[:, None]) * np.linspace(0, 12, 209) + phase)
    # neither scale nor offset says anything
    return (generator.uniform(1, 9, (n, 1)) * x + 2).astype(np.float32), y


def test_baselines_tell_waves_apart():
    x, y = waves(300, 0)
    asked, truth = waves(1500, 1)
    for method in (nearest_neighbours, logistic_regression):
        log_p = method(x, y, asked, 3)
        assert log_p.shape == (1500, 3)
        np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-4)
        assert (log_p.argmax(axis=1) == truth).mean() > 0.95


def test_the_nearest_is_right_about_itself():
    x, _ = waves(40, 2)
    y = np.random.default_rng(0).integers(0, 4, 40)
    log_p = nearest_neighbours(x, y, x, 5)
    assert (log_p.argmax(axis=1) == y).all()
    # a group without a vote comes last, by its frequency
    assert (log_p.argmin(axis=1) == 4).all()
