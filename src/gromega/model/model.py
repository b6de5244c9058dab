"""The trained model: what ranks space groups, and its two files on disk."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from gromega._util.files import put_in_place, sha256, write_json, write_whole
from gromega.conditions import RADIATIONS, REFERENCE, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.formula import display_formula
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_inputs
from gromega.model import messages
from gromega.model.calibration import Calibration
from gromega.model.candidates import (
    Labels,
    labels_of,
    ranked_candidates,
    system_probabilities,
)
from gromega.model.importance import find_importance
from gromega.model.matches import Library
from gromega.model.neighbours import Neighbour, NeighbourResult, Neighbours
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.prediction import Prediction
from gromega.model.reliability import Reliability, TestCrystals, reliability_of
from gromega.networks.logits import ranks
from gromega.networks.resnet_numpy import NumpyResNet
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, simulate_input
from gromega.pdf.operator import reach

if TYPE_CHECKING:
    from flax import nnx

FORMAT = "gromega model 1"
MODEL_FILES = ("weights.safetensors", "config.json")
"""The files of the folder of a model."""
_NEAREST = 5
# By so much less, crystals of like compositions look like the PDF than others do, for
# 2 % of the validation crystals, and for 59 % where they are given that of another one.
_DOUBT = 0.5
_KEPT_TESTS = 256
INPUT = {"rmin": 1.5, "rstep": "pi/23", "points": INPUT_R.size}


Nearest = list[tuple[str, int, float]]
"""Name, space group and similarity of crystals of a memory."""
Test = tuple[NDArray[np.floating], NDArray[np.int64]]
"""The confidence of answers and the ranks of the true groups, both (n,)."""


class Engine(Protocol):
    """What computes a network: `plain.NumpyResNet`, `inference.Compiled`."""

    def predict(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), for G, (n, 209)."""
        ...

    def embed(self, g: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings, (n, width), of a network that has them."""
        ...

    def head(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-probabilities, (n, n_groups), from embeddings."""
        ...


@dataclass(frozen=True)
class Model:
    """A trained network with the space groups that its outputs stand for.

    Parameters
    ----------
    weights
        The weights of the network, from G(r) to log-probabilities, as
        `weights.to_arrays` returns them.
    space_groups
        The space group numbers, (n_groups,), in the order of the outputs.
    architecture
        The arguments that make the network, as in `recipes.make_network`.
    conditions
        The conditions that it was trained at, or the reference within its box.
    training
        The recipe, the numbers of crystals and other facts of its training.
    box
        The conditions that it was trained for; None of a model that was trained at
        one set of conditions alone.
    calibration
        What makes its probabilities honest; None of a model that has none.
    memory
        The crystals that it remembers; None of a model that remembers none.
    test_crystals
        Crystals of the test part, to say how often it is right at some conditions;
        None of a model that carries none.
    with_composition
        What makes its probabilities honest where the composition is known too; None of
        a model that makes no use of it.
    compiled
        Whether JAX computes, on a GPU where there is one, and not NumPy, which begins
        at once. Networks other than `resnet` are always JAX's.
    """

    weights: Mapping[str, NDArray[Any]] = field(repr=False)
    space_groups: NDArray[np.int64]
    architecture: dict[str, Any]
    conditions: Conditions
    training: dict[str, Any]
    box: Box | None = None
    calibration: Calibration | None = None
    memory: Neighbours | None = None
    test_crystals: TestCrystals | None = None
    with_composition: Calibration | None = None
    compiled: bool = False
    # Not handed on to a changed copy, whose answers differ.
    _tests: dict[tuple[Conditions, bool], Test] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        recipe = self.training.get("recipe", "unknown")
        return f"Model(recipe {recipe}, {self.space_groups.size} space groups)"

    @cached_property
    def network(self) -> "nnx.Module":
        """The network in Flax, to go on from.

        Raises
        ------
        ValueError
            If the weights are not those of the architecture.
        """
        # JAX and Flax take seconds to import: where NumPy computes, they are not.
        from flax import nnx

        from gromega.networks.build import make_network
        from gromega.networks.weights import set_arrays

        try:
            # Of its shapes alone: fresh weights would take seconds to draw.
            shapes = nnx.eval_shape(
                lambda: make_network(self.architecture, self.space_groups.size, 0)
            )
            network = set_arrays(shapes, self.weights)
        except (ValueError, TypeError) as error:
            raise _mismatch(error) from None
        network.eval()
        return network

    @cached_property
    def engine(self) -> Engine:
        """What computes the network.

        Raises
        ------
        ValueError
            If the weights are not those of the architecture.
        """
        if self.compiled or self.architecture["name"] != "resnet":
            from gromega.networks.inference import Compiled

            return Compiled(self.network)
        try:
            return NumpyResNet(self.weights, self.architecture, self.space_groups.size)
        except (ValueError, KeyError, TypeError) as error:
            raise _mismatch(error) from None

    @cached_property
    def _labels(self) -> Labels:
        return labels_of(self.space_groups)

    @property
    def trained_over(self) -> Box:
        """The box that it was trained over, of one point where there was no other."""
        return self.box or Box.around(self.conditions)

    @property
    def radiations(self) -> tuple[str, ...]:
        """The radiations that it was trained for; models up to 1.8 do not say."""
        return tuple(self.training.get("radiations", RADIATIONS))

    @property
    def uses_compositions(self) -> bool:
        """Whether it makes use of compositions."""
        if self.memory is None or self.memory.with_composition is None:
            return False
        # Calibrated for one, it must be for the other.
        return self.calibration is None or self.with_composition is not None

    def log_probabilities(
        self, g: NDArray[np.float32], compositions: Sequence[str] | None = None
    ) -> NDArray[np.floating]:
        """Return log-probabilities, (n, n_groups), for G on `INPUT_R`, (n, 209).

        They are calibrated where the model is.

        Parameters
        ----------
        g
            G(r), (n, 209), at any scale.
        compositions
            The compositions, n of them such as ``"SrTiO3"``, where they are known.

        Raises
        ------
        ValueError
            If G is on another grid or not finite, or the model makes no use of
            compositions.
        """
        log_p = self.uncalibrated(g, compositions)
        return self._calibrated(log_p, compositions is not None)

    def uncalibrated(
        self, g: NDArray[np.float32], compositions: Sequence[str] | None = None
    ) -> NDArray[np.float32]:
        """Return log-probabilities as `log_probabilities`, but not yet calibrated."""
        return self._asked(g, [compositions])[0].log_p

    def without_and_with_composition(
        self, g: NDArray[np.float32], compositions: Sequence[str] | None
    ) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
        """Return `log_probabilities` without and with the compositions, if any.

        The network, which is most of the work, is asked once.
        """
        if compositions is None:
            return self.log_probabilities(g), None
        alone, told = (found.log_p for found in self._asked(g, [None, compositions]))
        return self._calibrated(alone, False), self._calibrated(told, True)

    def _calibration(self, composed: bool) -> Calibration | None:
        return self.with_composition if composed else self.calibration

    def _calibrated(
        self, log_p: NDArray[np.float32], composed: bool
    ) -> NDArray[np.floating]:
        calibration = self._calibration(composed)
        return calibration.apply(log_p) if calibration else log_p

    def _asked(
        self,
        g: NDArray[np.float32],
        told: Sequence[Sequence[str] | None],
        k: int = 0,
    ) -> list[NeighbourResult]:
        """Return what is answered, once for each of what the model is told."""
        _check_input(g)
        if any(each is not None for each in told) and not self.uses_compositions:
            raise ValueError(
                "this model makes no use of compositions; take models/spacegroup, or "
                "train one with the recipe 'robust'."
            )
        if self.memory is None:
            nothing = np.zeros((len(g), 0))
            log_p, gap = self.engine.predict(g), np.zeros(len(g), np.float32)
            found = NeighbourResult(
                log_p, nothing.astype(np.int64), nothing.astype(np.float32), gap
            )
            return [found] * len(told)
        embeddings = self.engine.embed(g)
        log_p = self.engine.head(embeddings)
        return [self.memory.query(log_p, embeddings, k, each) for each in told]

    def nearest(self, g: NDArray[np.float32], k: int = _NEAREST) -> list[Nearest]:
        """Return the crystals of the memory that are most like each PDF.

        For each PDF they are k crystals, the most alike first: name, space group and
        similarity, the cosine between the embeddings, at most 1.

        Parameters
        ----------
        g
            G on `INPUT_R`, (n, 209).
        k
            The number of crystals.

        Raises
        ------
        ValueError
            If the model has no memory, or G is on another grid or not finite.
        """
        _check_input(g)
        if self.memory is None:
            raise ValueError(
                "this model remembers no crystals; take models/spacegroup, or train "
                "one with the recipe 'robust'."
            )
        return self._named(*self.memory.nearest(self.engine.embed(g), k))

    def _named(
        self, places: NDArray[np.int64], similarity: NDArray[np.float32]
    ) -> list[Nearest]:
        memory, groups = self.memory, self.space_groups
        if memory is None:
            return [[] for _ in places]
        return [
            [
                (memory.names[i], int(groups[memory.y[i]]), float(cosine))
                for i, cosine in zip(row, cosines, strict=True)
            ]
            for row, cosines in zip(places, similarity, strict=True)
        ]

    def accuracy_at(self, conditions: Conditions, composed: bool = False) -> Test:
        """Return how the model does on the crystals that it carries.

        Parameters
        ----------
        conditions
            The conditions that they are simulated at.
        composed
            Whether it is told their compositions.

        Returns
        -------
        The probability of the first group, and the rank of the true one, 0 the first,
        both (n,), of the crystals that the radiation sees.

        Raises
        ------
        ValueError
            If the model carries no crystals, or none for these conditions.
        """
        held = self.test_crystals
        if held is not None and composed and not held.formulas:
            raise ValueError(
                "the held-out crystals of this model have no formulas; make it again "
                "with 'dvc repro', or take models/spacegroup."
            )
        if held is None:
            raise ValueError(
                "this model carries no held-out crystals; make it again with 'dvc "
                "repro', or take models/spacegroup."
            )
        # Threads of a server share what is kept.
        found = self._tests.get((conditions, composed))
        if found is None:
            rows, g = held.simulate(conditions)
            compositions = [held.formulas[i] for i in rows] if composed else None
            log_p = self.log_probabilities(g, compositions)
            if len(self._tests) >= _KEPT_TESTS:
                self._tests.clear()
            found = np.exp(log_p.max(axis=1)), ranks(log_p, held.y[rows])
            self._tests[conditions, composed] = found
        return found

    def _reliability(
        self, conditions: Conditions, composed: bool, confidence: float
    ) -> Reliability | str:
        """Return the reliability of a prediction, or why it is unknown."""
        try:
            return reliability_of(confidence, *self.accuracy_at(conditions, composed))
        except ValueError as error:
            return messages.unknown_reliability_note(error)

    def predict(
        self,
        pdf: MeasuredPDF,
        coverage: float = 0.9,
        reliability: bool = True,
        explain: bool = False,
        library: Library | None = None,
    ) -> Prediction:
        """Predict the space group of a measured PDF, with its composition if stated.

        Parameters
        ----------
        pdf
            The measured PDF, as `gromega.read_pdf` returns it.
        coverage
            The coverage of the prediction set, 0.9 or 0.95.
        reliability
            Whether to test the model on its test crystals at the conditions of the
            PDF, which takes about a second.
        explain
            Whether to compute the importance of each r, and the matches if there is a
            library.
        library
            The known crystals to compare with the PDF.

        Raises
        ------
        ValueError
            If the model is calibrated, but has no prediction sets of this coverage.
        """
        return self.predict_all([pdf], coverage, reliability, explain, library)[0]

    def predict_all(
        self,
        pdfs: Sequence[MeasuredPDF],
        coverage: float = 0.9,
        reliability: bool = True,
        explain: bool = False,
        library: Library | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Prediction]:
        """Predict the space groups of measured PDFs, each as `predict` does.

        The parameters are those of `predict`; `progress` is called with 1 after each
        prediction.
        """
        for pdf in pdfs:
            if not isinstance(pdf, MeasuredPDF):
                raise ValueError(
                    "PDFs are given as gromega.read_pdf returns them, one to predict, "
                    f"a list to predict_all; got {type(pdf).__name__}."
                )
        predictions: dict[int, Prediction] = {}
        told = {given: self._is_told(given) for given in {p.composition for p in pdfs}}
        for composed in (False, True):
            rows = [
                i for i, pdf in enumerate(pdfs) if told[pdf.composition] == composed
            ]
            asked = [pdfs[i] for i in rows]
            made = self._answers(asked, composed, coverage, reliability)
            for i, prediction in zip(rows, made, strict=True):
                if explain:
                    prediction = self._explained(prediction, pdfs[i], library)
                predictions[i] = prediction
                if progress:
                    progress(1)
        return [predictions[i] for i in range(len(pdfs))]

    def _answers(
        self,
        pdfs: Sequence[MeasuredPDF],
        told: bool,
        coverage: float,
        reliability: bool,
    ) -> Iterator[Prediction]:
        """Yield the predictions for PDFs, with the compositions of all or of none."""
        if not pdfs:
            return
        compositions = [str(pdf.composition) for pdf in pdfs] if told else None
        (found,) = self._asked(to_inputs(pdfs), [compositions], _NEAREST)
        log_p = self._calibrated(found.log_p, told)
        inside, stated = np.zeros(log_p.shape, bool), None
        calibration = self._calibration(told)
        if calibration:
            inside, stated = calibration.prediction_sets(log_p, coverage), coverage
        nearest = self._named(found.places, found.cosines)
        others: list[OtherGroupProbability | None] = [None] * len(pdfs)
        if calibration and calibration.other_groups:
            fit = calibration.other_groups
            others = [
                OtherGroupProbability(float(p), fit.share)
                for p in fit.probability(log_p)
            ]
        for i, pdf in enumerate(pdfs):
            p, omega = np.exp(log_p[i]), pdf.conditions()
            notes = [
                *pdf.notes,
                *messages.condition_notes(
                    omega, self.trained_over, self.conditions.rmin, self.radiations
                ),
            ]
            if pdf.composition is not None and not told:
                notes.append(
                    messages.unused_composition_note(
                        pdf.composition, self.uses_compositions
                    )
                )
            tested: Reliability | str | None = None
            if reliability:
                confidence = float(np.exp(log_p[i].max()))
                tested = self._reliability(omega, told, confidence)
            if isinstance(tested, str):
                notes.append(tested)
                tested = None
            if found.gap[i] > _DOUBT:
                notes.append(
                    messages.doubtful_composition_note(
                        str(pdf.composition), found.gap[i]
                    )
                )
            yield Prediction(
                ranked_candidates(self._labels, p, inside[i]),
                stated,
                system_probabilities(self._labels, p),
                tuple(
                    Neighbour(crystal, display_formula(formula), number, similarity)
                    for name, number, similarity in nearest[i]
                    for crystal, _, formula in [name.rpartition(" ")]
                ),
                omega,
                tested,
                tuple(notes),
                composition=pdf.composition if told else None,
                assumed=pdf.assumed,
                other_groups=others[i],
            )

    def _is_told(self, composition: str | None) -> bool:
        """Return whether the model makes use of a composition."""
        if composition is None or self.memory is None:
            return False
        return self.uses_compositions and self.memory.knows(composition)

    def _explained(
        self, prediction: Prediction, pdf: MeasuredPDF, library: Library | None
    ) -> Prediction:
        """Return a prediction with its importance and its matches."""
        matches, notes = None, prediction.notes
        if library:
            try:
                matches = library.match(pdf)
            except ValueError as error:
                notes = (*notes, messages.no_match_note(error))

        def log_probabilities(g: NDArray[np.float32]) -> NDArray[np.floating]:
            known = prediction.composition
            return self.log_probabilities(g, known and [known] * len(g))

        importance = find_importance(log_probabilities, pdf)
        return replace(prediction, importance=importance, matches=matches, notes=notes)

    def rank(
        self, crystals: Sequence[Crystal], conditions: Conditions = REFERENCE
    ) -> NDArray[np.int64]:
        """Return space group numbers, most probable first, (n, n_groups).

        Parameters
        ----------
        crystals
            The crystals, n of them; their PDFs are simulated.
        conditions
            The conditions Ω of the simulation.

        Raises
        ------
        ValueError
            If the radiation does not see one of them.
        """
        # Numba, which makes spectra, takes a second to import: files do without.
        from gromega.pdf.spectrum import pair_spectra

        dmax = max(DMAX, reach(conditions))
        spectra = pair_spectra(crystals, conditions.radiation, dmax)
        density = [crystal.density for crystal in crystals]
        ids = [crystal.id for crystal in crystals]
        g = simulate_input(spectra, density, ids, conditions, dmax)
        order = np.argsort(-self.log_probabilities(g), axis=1, kind="stable")
        return self.space_groups[order]


def _check_input(g: NDArray[np.float32]) -> None:
    if g.ndim != 2 or g.shape[1] != INPUT_R.size:
        raise ValueError(
            f"G(r) must be given on the network's grid, (n, {INPUT_R.size}), got "
            f"the shape {g.shape}."
        )
    if not len(g):
        raise ValueError("there is no G(r) to answer; give at least one.")
    if not np.isfinite(g).all():
        raise ValueError("G(r) has values that are not finite; leave them out.")


def _mismatch(error: Exception) -> ValueError:
    return ValueError(
        f"the config.json and weights.safetensors of the model do not match ({error}); "
        "get it again, or train it anew with 'dvc repro'."
    )


def save_model(path: Path, model: Model) -> None:
    """Write a model to a folder, whole or not at all.

    ``weights.safetensors`` holds the arrays, ``config.json`` all the rest.
    """
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    arrays = dict(model.weights)
    if model.memory:
        arrays |= model.memory.to_arrays()
    if model.test_crystals:
        arrays |= model.test_crystals.to_arrays()
    # It writes memory as it lies, whatever the strides.
    rows = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Its own save_file makes a file that other users cannot read.
    write_whole(partial / "weights.safetensors", save(rows))
    config = {
        "format": FORMAT,
        "network": model.architecture,
        "space_groups": model.space_groups.tolist(),
        "input": INPUT,
        "conditions": model.conditions.to_mapping(),
        "training": model.training,
    }
    if model.box:
        config["box"] = model.box.to_mapping()
    if model.calibration:
        config["calibration"] = model.calibration.to_mapping()
    if model.memory:
        config["memory"] = model.memory.to_mapping()
    if model.with_composition:
        config["with_composition"] = model.with_composition.to_mapping()
    write_json(partial / "config.json", config)
    put_in_place(partial, path)


def hashes_of(path: Path) -> dict[str, str]:
    """Return the SHA-256 of the files of the folder of a model."""
    return {name: sha256(path / name) for name in MODEL_FILES}


def load_model(path: str | Path = "models/spacegroup", compiled: bool = False) -> Model:
    """Return the model of a folder.

    Parameters
    ----------
    path
        The folder, as `save_model` writes it; the released model if left out.
    compiled
        Whether JAX is to compute, see `Model`: for many thousand PDFs, or a GPU.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is not there.
    ValueError
        If a file is not what it should be.
    """
    path = Path(path)
    for name in reversed(MODEL_FILES):
        if not (path / name).is_file():
            raise FileNotFoundError(
                f"{path}: there is no {name}; train models/current with 'dvc repro', "
                "or get models/spacegroup, the released model, with 'dvc pull -r "
                "registry models/spacegroup.dvc'."
            )
    try:
        config = json.loads((path / "config.json").read_text())
        if config.get("format") != FORMAT:
            raise ValueError(f"its format is {config.get('format')!r}, not {FORMAT!r}")
        groups = np.array(config["space_groups"])
        if not isinstance(config["network"].get("name"), str):
            raise ValueError("its network has no name")
        arrays = load_file(path / "weights.safetensors")
        memory = None
        if "memory" in config:
            memory = Neighbours.of(arrays, groups.size, config["memory"])
        test_crystals = TestCrystals.of(arrays) if "held_out/ids" in arrays else None
        weights = {
            name: array
            for name, array in arrays.items()
            if not name.startswith(("memory/", "held_out/"))
        }
        conditions = Conditions.from_mapping(config["conditions"])
        training = config["training"]
        box = Box.from_mapping(config["box"]) if "box" in config else None
        calibration = None
        if "calibration" in config:
            calibration = Calibration.from_mapping(config["calibration"])
        with_composition = None
        if "with_composition" in config:
            with_composition = Calibration.from_mapping(config["with_composition"])
        if config["input"] != INPUT:
            raise ValueError(f"its input is {config['input']}, not {INPUT}")
    except (
        ValueError, KeyError, TypeError, AttributeError, SafetensorError
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: not a model ({error}).") from None
    return Model(
        weights,
        groups,
        config["network"],
        conditions,
        training,
        box,
        calibration,
        memory,
        test_crystals,
        with_composition,
        compiled,
    )
