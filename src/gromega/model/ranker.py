"""The ranker: log-probabilities of space groups from G(r), without any text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import RADIATIONS, REFERENCE, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.model.calibration import Calibration
from gromega.model.cell_size import CellSize, CellSizes, TypeHead
from gromega.model.familiarity import UNSURE, check_structure_type, features
from gromega.model.neighbours import NeighbourResult, Neighbours
from gromega.model.reliability import ReliabilityTest, TestCrystals
from gromega.networks.resnet_numpy import NumpyResNet
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, simulate_input
from gromega.pdf.operator import reach

if TYPE_CHECKING:
    from flax import nnx

    from gromega.networks.inference import Compiled


_ROWS = 256  # whose probabilities of all structure types are in memory at once


@dataclass(frozen=True)
class Ranker:
    """A trained network with its neighbours and its calibration: the numerics."""

    weights: Mapping[str, NDArray[Any]] = field(repr=False)  # as of `weights.to_arrays`
    space_groups: NDArray[np.int64]  # (n_groups,), in the order of the outputs
    architecture: dict[str, Any]  # the arguments of `make_network`
    conditions: Conditions  # of its training, or the reference within its box
    training: dict[str, Any]  # the recipe, numbers of crystals and other facts
    box: Box | None = None  # None if trained at one set of conditions alone
    calibration: Calibration | None = None
    neighbours: Neighbours | None = None
    test_crystals: TestCrystals | None = None
    calibration_with_composition: Calibration | None = None
    cell_sizes: CellSizes | None = None  # of networks whose classes are structure types
    # Whether JAX computes the network, on a GPU if there is one, instead of NumPy,
    # which starts at once. Networks other than `resnet` always use JAX.
    compiled: bool = False

    def __repr__(self) -> str:
        """Return the recipe and the number of space groups."""
        recipe = self.training.get("recipe", "unknown")
        n = self.space_groups.size
        return f"{type(self).__name__}(recipe {recipe}, {n} space groups)"

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, for a worker that makes the cached properties anew."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def network(self) -> "nnx.Module":
        """The network in Flax; a ValueError if the weights are not those of it."""
        # JAX and Flax take seconds to import: predictions by NumPy do without them.
        from flax import nnx

        from gromega.networks.build import make_network
        from gromega.networks.weights import set_arrays

        def fresh() -> nnx.Module:
            return make_network(self.architecture, self.space_groups.size, 0)

        try:
            # The shapes alone: drawing fresh weights would take seconds.
            network = set_arrays(nnx.eval_shape(fresh), self.weights)
        except (ValueError, TypeError) as error:
            raise _mismatch(error) from None
        module: Any = network  # whose methods have no types
        module.eval()
        return network

    @cached_property
    def engine(self) -> "NumpyResNet | Compiled":
        """The network as computed by NumPy at once, or by JAX compiled."""
        if self.compiled or self.architecture["name"] != "resnet":
            from gromega.networks.inference import Compiled

            return Compiled(self.network)
        try:
            return NumpyResNet(self.weights, self.architecture, self.space_groups.size)
        except (ValueError, KeyError, TypeError) as error:
            raise _mismatch(error) from None

    @cached_property
    def reliability_test(self) -> ReliabilityTest:
        """The test on the test crystals; a ValueError if the model has none."""
        if self.test_crystals is None:
            raise ValueError(
                "this model has no test crystals; take models/spacegroup, or run 'dvc "
                "repro'."
            )
        return ReliabilityTest(self.test_crystals, self._log_p_of_cases)

    @property
    def trained_over(self) -> Box:
        """The box of its training, of a single point if it has none."""
        return self.box or Box.around(self.conditions)

    @property
    def radiations(self) -> tuple[str, ...]:
        """The radiations of its training; models up to 1.8 do not state them."""
        return tuple(self.training.get("radiations", RADIATIONS))

    @property
    def uses_compositions(self) -> bool:
        """Whether it can use compositions."""
        if self.neighbours is None or self.neighbours.with_composition is None:
            return False
        return self.calibration is None or self.calibration_with_composition is not None

    def log_probabilities(
        self,
        g: NDArray[np.float32],
        compositions: Sequence[str] | None = None,
        structure_type: str = UNSURE,
    ) -> NDArray[np.floating]:
        """Return log-probabilities, (n, n_groups), calibrated if the model is.

        Parameters
        ----------
        g
            The G on `INPUT_R`, (n, 209), at any scale.
        compositions
            The compositions, such as ``"SrTiO3"``, if they are known.
        structure_type
            The structure type of all: ``known``, ``new`` or ``unsure``.

        Raises
        ------
        ValueError
            If G is on another grid or not finite, or the model cannot use compositions,
            or was not calibrated for known and new structure types.
        """
        result = self.query(g, [compositions])[0]
        return self.calibrated(result, compositions, structure_type)

    def without_and_with_composition(
        self, g: NDArray[np.float32], compositions: Sequence[str] | None
    ) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
        """Return `log_probabilities` without and with the compositions, if any.

        The network, which takes most of the time, is computed once.
        """
        if compositions is None:
            return self.log_probabilities(g), None
        without, given = self.query(g, [None, compositions])
        return self.calibrated(without), self.calibrated(given, compositions)

    def query(
        self,
        g: NDArray[np.float32],
        compositions: Sequence[Sequence[str] | None],
        k: int = 0,
    ) -> list[NeighbourResult]:
        """Return the uncalibrated result for each choice of compositions, or None."""
        _check_input(g)
        given = any(each is not None for each in compositions)
        if given and not self.uses_compositions:
            raise ValueError(
                "this model cannot use compositions; take models/spacegroup, or train "
                "one with the recipe 'robust'."
            )
        if self.neighbours is None:
            result = NeighbourResult.without_neighbours(self.engine.predict(g))
            return [result] * len(compositions)
        embeddings = self.engine.embed(g)
        log_p = self.engine.head(embeddings)
        return [self.neighbours.query(log_p, embeddings, k, c) for c in compositions]

    def calibration_for(self, with_composition: bool) -> Calibration | None:
        """Return the calibration without or with the composition."""
        both = self.calibration, self.calibration_with_composition
        return both[with_composition]

    def calibrated(
        self,
        result: NeighbourResult,
        compositions: Sequence[str] | None = None,
        structure_type: str = UNSURE,
    ) -> NDArray[np.floating]:
        """Return log-probabilities, as `log_probabilities` does, of a result."""
        check_structure_type(structure_type)
        if cases := self.cases(result, compositions):
            return cases[0][structure_type]
        if structure_type != UNSURE:
            raise ValueError(
                "this model was not calibrated for known and new structure types, as "
                "models up to v1.8; state 'unsure' as the structure type, or take a "
                "newer model."
            )
        calibration = self.calibration_for(compositions is not None)
        return calibration.apply(result.log_p) if calibration else result.log_p

    def cases(
        self, result: NeighbourResult, compositions: Sequence[str] | None = None
    ) -> tuple[dict[str, NDArray[np.floating]], NDArray[np.float64]] | None:
        """Return log-probabilities by structure type, and p of a new one, (n,).

        The result is None if the model was not calibrated for these cases.
        """
        calibration = self.calibration_for(compositions is not None)
        if not calibration or not calibration.familiarity:
            return None
        log_p = calibration.apply(result.log_p)
        x = features(result, log_p, self.n_of_ratios(compositions))
        familiarity = calibration.familiarity
        return familiarity.cases(result, x), familiarity.p_new(x)

    def n_of_ratios(
        self, compositions: Sequence[str] | None
    ) -> NDArray[np.int64] | None:
        """Return the numbers of neighbours with the ratios of compositions, if any."""
        if compositions is None or self.neighbours is None:
            return None
        return self.neighbours.n_of_ratios(compositions)

    def sizes(
        self, result: NeighbourResult, compositions: Sequence[str] | None = None
    ) -> list[CellSize]:
        """Return the sizes of the primitive cells of the n PDFs of a result.

        The list is empty if the model does not know the cells of its structure types.
        """
        if self.cell_sizes is None or self.neighbours is None:
            return []
        given: Sequence[str | None] = compositions or [None] * len(result.embeddings)
        sizes: list[CellSize] = []
        for start in range(0, len(result.embeddings), _ROWS):
            rows = slice(start, start + _ROWS)
            p_types = self._type_head(result.embeddings[rows])
            shares = self.cell_sizes.shares(p_types, given[rows])
            sizes += map(self.cell_sizes.size, shares, given[rows])
        return sizes

    @cached_property
    def _type_head(self) -> TypeHead:
        return TypeHead(self.weights)

    def _log_p_of_cases(
        self, g: NDArray[np.float32], compositions: Sequence[str] | None
    ) -> tuple[Mapping[str, NDArray[np.floating]], NDArray[np.float32]]:
        result = self.query(g, [compositions])[0]
        if cases := self.cases(result, compositions):
            return cases[0], result.unlike
        return {UNSURE: self.calibrated(result, compositions)}, result.unlike

    def rank(
        self, crystals: Sequence[Crystal], conditions: Conditions = REFERENCE
    ) -> NDArray[np.int64]:
        """Return the space group numbers of crystals, (n, n_groups), best first.

        Their PDFs are simulated at the conditions Ω.

        Raises
        ------
        ValueError
            If an element has no scattering length for the radiation.
        """
        g = simulate_crystals(crystals, conditions)
        order = np.argsort(-self.log_probabilities(g), axis=1, kind="stable")
        return self.space_groups[order]


def simulate_crystals(
    crystals: Sequence[Crystal], conditions: Conditions
) -> NDArray[np.float32]:
    """Return the simulated G of crystals on the network's grid, (n, 209), in Å⁻²."""
    # Numba takes a second to import: predictions of files do without it.
    from gromega.pdf.spectrum import make_spectra

    dmax = max(DMAX, reach(conditions))
    spectra = make_spectra(crystals, conditions.radiation, dmax)
    density = [crystal.density for crystal in crystals]
    ids = [crystal.id for crystal in crystals]
    return simulate_input(spectra, density, ids, conditions, dmax)


def _mismatch(error: Exception) -> ValueError:
    return ValueError(
        f"the config.json and weights.safetensors of the model do not match ({error}); "
        "download it again, or train it again with 'dvc repro'."
    )


def _check_input(g: NDArray[np.float32]) -> None:
    if g.ndim != 2 or g.shape[1] != INPUT_R.size:
        raise ValueError(
            f"G(r) must be given on the network's grid, (n, {INPUT_R.size}), got "
            f"the shape {g.shape}."
        )
    if not len(g):
        raise ValueError("there is no G(r) to predict; give at least one.")
    if not np.isfinite(g).all():
        raise ValueError("G(r) has values that are not finite; leave them out.")
