"""Killed, damaged and started twice, the pipeline takes nothing wrong for right.

experiments/kills.py does the same for hours, with all stages.
"""

import random
import shutil

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tiny_pipeline import SIGNALS, Pipeline

TARGET = "simulate"
"""The last stage here: those before it take a second each."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory, request):
    """The pipeline after undisturbed runs of its two states."""
    pipeline = Pipeline(
        request.config.rootpath, tmp_path_factory.mktemp("kills") / "whole", TARGET
    )
    for state in (1, 0):
        pipeline.edit(state)
        pipeline.repro()
    assert pipeline.call("dvc", "push", "-q", TARGET)[0] == 0
    return pipeline


def test_any_order_of_runs_kills_and_damage_is_right_in_the_end(whole):
    class Machine(RuleBasedStateMachine):
        @rule(state=st.sampled_from([0, 1]))
        def edit(self, state):
            whole.edit(state)

        @rule()
        def repro(self):
            whole.repro()

        @rule(seconds=st.floats(0.5, 4), number=st.sampled_from(SIGNALS))
        def kill(self, seconds, number):
            whole.kill(["dvc", "repro", "-f", TARGET], seconds, number)

        @rule(seconds=st.floats(0.5, 2), number=st.sampled_from(SIGNALS))
        def kill_a_pull(self, seconds, number):
            whole.kill(["dvc", "pull", "-f", TARGET], seconds, number)

        @rule(seed=st.integers(0, 99), lose=st.booleans())
        def damage(self, seed, lose):
            whole.damage(random.Random(seed), lose)

        @invariant()
        def nothing_wrong_is_taken_for_right(self):
            assert whole.taken_for_right() == []

        @invariant()
        def nothing_half_written_is_in_sight(self):
            assert whole.leftovers() == []

        def teardown(self):
            whole.repro()

    # The same steps every time; few, because each takes a second.
    Machine.TestCase.settings = settings(
        max_examples=2, stateful_step_count=5, deadline=None, derandomize=True
    )
    Machine.TestCase().runTest()


def test_a_stage_that_is_started_twice_is_refused_or_right(whole):
    shutil.rmtree(whole.folder / "data/reference.zarr")
    command = ["python", "-m", "gromega.pipeline", TARGET]
    pair = [whole.start(*command) for _ in range(2)]
    outputs = [process.communicate()[0] for process in pair]
    statuses = [process.returncode for process in pair]
    assert sorted(statuses) in ([0, 0], [0, 2])
    for status, output in zip(statuses, outputs, strict=True):
        assert status == 0 or TARGET in output
    assert whole.files() == whole.right[whole.state]
