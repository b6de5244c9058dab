"""The model: predictions of the space groups of measured PDFs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import QUANTITIES, Conditions
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_inputs
from gromega.model.candidates import Labels, labels_of, ranked_candidates, summed
from gromega.model.familiarity import (
    KNOWN,
    NEW,
    UNSURE,
    Familiarity,
    check_structure_type,
)
from gromega.model.hierarchy import hierarchy_of
from gromega.model.importance import find_importance
from gromega.model.matches import Library
from gromega.model.other_groups import OtherGroupProbability
from gromega.model.prediction import Prediction
from gromega.model.prediction_text import FIRST_PEAK
from gromega.model.ranker import Ranker
from gromega.model.verdict import make_verdict
from gromega.pdf.network_grid import INPUT_R

_N_NEIGHBOURS = 5
# The gap in similarity above which the composition is doubtful: 2 % of the validation
# crystals have it, and 59 % of those given the composition of another crystal.
_DOUBTFUL_GAP = 0.5
_NO_CELL = (
    "the number of atoms in the primitive cell is wrong, or the composition is: no "
    "structure type that fits the PDF has whole formula units of {}."
)
_UNLIKE = (
    "this PDF is unlike those of all known crystals: is it a glass, a liquid, an "
    "organic crystal, or not a G(r)? Do not rely on the groups."
)


@dataclass(frozen=True, repr=False)
class Model(Ranker):
    """A ranker that predicts the space groups of measured PDFs; see `Ranker`."""

    def predict(
        self,
        pdf: MeasuredPDF,
        coverage: float = 0.9,
        reliability: bool = True,
        explain: bool = False,
        library: Library | None = None,
        structure_type: str = UNSURE,
    ) -> Prediction:
        """Predict the space group of a measured PDF, with its composition if stated.

        Parameters
        ----------
        pdf
            The measured PDF, as `gromega.read_pdf` returns it.
        coverage
            The coverage of the prediction set, 0.9 or 0.95.
        reliability
            Whether to test the model on its test crystals at the conditions of the PDF,
            which takes about a second.
        explain
            Whether to compute the importance of each r, and the matches if there is a
            library.
        library
            The known crystals to compare with the PDF.
        structure_type
            What you know about the structure type: ``known`` if other crystals have it,
            ``new``, or ``unsure``.

        Raises
        ------
        ValueError
            If the model is calibrated, but has no prediction sets of this coverage, or
            not for known and new structure types.
        """
        return self.predict_all(
            [pdf], coverage, reliability, explain, library,
            structure_type=structure_type,
        )[0]  # fmt: skip

    def predict_all(
        self,
        pdfs: Sequence[MeasuredPDF],
        coverage: float = 0.9,
        reliability: bool = True,
        explain: bool = False,
        library: Library | None = None,
        progress: Callable[[int], None] | None = None,
        structure_type: str = UNSURE,
    ) -> list[Prediction]:
        """Predict the space groups of measured PDFs, each as `predict` does.

        `progress` is called with 1 after each prediction.
        """
        check_structure_type(structure_type)
        for pdf in pdfs:
            if not isinstance(pdf, MeasuredPDF):
                raise ValueError(
                    "give PDFs as gromega.read_pdf returns them, one to predict, a "
                    f"list to predict_all; got {type(pdf).__name__}."
                )
        usable = {c: self._can_use(c) for c in {pdf.composition for pdf in pdfs}}
        predictions: dict[int, Prediction] = {}
        for with_composition in (False, True):
            rows = [
                i for i, p in enumerate(pdfs)
                if usable[p.composition] == with_composition
            ]  # fmt: skip
            made = self._predict_alike(
                [pdfs[i] for i in rows],
                with_composition,
                coverage,
                reliability,
                structure_type,
            )
            for i, prediction in zip(rows, made, strict=True):
                if explain:
                    prediction = self._explained(prediction, pdfs[i], library)
                predictions[i] = prediction
                if progress:
                    progress(1)
        return [predictions[i] for i in range(len(pdfs))]

    def _predict_alike(
        self,
        pdfs: Sequence[MeasuredPDF],
        with_composition: bool,
        coverage: float,
        reliability: bool,
        structure_type: str,
    ) -> Iterator[Prediction]:
        """Yield the predictions for PDFs, with the compositions of all or of none."""
        if not pdfs:
            return
        compositions = [str(p.composition) for p in pdfs] if with_composition else None
        result = self.query(to_inputs(pdfs), [compositions], _N_NEIGHBOURS)[0]
        log_p = self.calibrated(result, compositions, structure_type)
        cases, p_new = self.cases(result, compositions) or ({UNSURE: log_p}, None)
        sizes = self.sizes(result, compositions)
        in_set = np.zeros(log_p.shape, bool)
        other_groups: list[OtherGroupProbability | None] = [None] * len(pdfs)
        calibration = self.calibration_for(with_composition)
        if calibration:
            in_set = calibration.prediction_sets(log_p, coverage, structure_type)
            if calibration.other_groups:
                other_groups[:] = calibration.other_groups.probabilities(cases[UNSURE])
        systems = [system for *_, system in self._labels]
        for i, pdf in enumerate(pdfs):
            p, omega = np.exp(log_p[i]), pdf.conditions()
            notes = [*pdf.notes, *self._condition_notes(omega)]
            notes += self._composition_notes(pdf, with_composition, result.gap[i])
            first = {case: float(np.exp(x[i].max())) for case, x in cases.items()}
            tested, limit = None, 0.0
            if reliability:
                try:
                    test, at = self.reliability_test, (omega, with_composition)
                    tested = test.reliability(first, *at, structure_type)
                    limit = test.unlike_limit(*at)
                except ValueError as error:
                    unknown = "the reliability at these conditions is unknown"
                    notes.append(f"{unknown}: {error}")
            if with_composition and sizes and sizes[i].volume is None:
                notes.append(_NO_CELL.format(pdf.composition))
            if unlike := bool(result.unlike[i] > limit):
                notes.append(_UNLIKE)
            familiarity = None
            if p_new is not None and calibration and calibration.familiarity:
                familiarity = Familiarity(
                    structure_type, float(p_new[i]), calibration.familiarity.share,
                    float(result.nearest[i]), int(result.n_alike[i]), first[KNOWN],
                    first[NEW], unlike,
                )  # fmt: skip
            found = self.neighbours
            neighbours = found.named(result, i, self.space_groups) if found else ()
            groups = ranked_candidates(self._labels, p, in_set[i])
            yield Prediction(
                verdict=make_verdict(groups, tested, unlike),
                groups=groups,
                coverage=coverage if calibration else None,
                systems=summed(systems, p),
                neighbours=neighbours,
                conditions=omega,
                reliability=tested,
                notes=tuple(notes),
                composition=pdf.composition if with_composition else None,
                assumed=pdf.assumed,
                other_groups=other_groups[i],
                familiarity=familiarity,
                hierarchy=hierarchy_of(self.space_groups, p, in_set[i]),
                cell_size=sizes[i] if sizes else None,
            )

    def _composition_notes(
        self, pdf: MeasuredPDF, with_composition: bool, gap: float
    ) -> Iterator[str]:
        """Yield the notes on a composition that is not used, or that is doubtful."""
        if pdf.composition is not None and not with_composition:
            yield (
                f"no training crystal has a composition like {pdf.composition}."
                if self.uses_compositions
                else "this model does not use the composition."
            )
        if gap > _DOUBTFUL_GAP:
            yield (
                "check the composition: the best similarity among crystals with a "
                f"composition like {pdf.composition} is {gap:.2f} lower than that "
                "among all crystals."
            )

    def _explained(
        self, prediction: Prediction, pdf: MeasuredPDF, library: Library | None
    ) -> Prediction:
        """Return a prediction with its importance and its matches."""
        matches, notes = None, prediction.notes
        if library:
            try:
                matches = library.match(pdf)
            except ValueError as error:
                notes = (*notes, f"no known crystal was compared: {error}")

        def log_probabilities(g: NDArray[np.float32]) -> NDArray[np.floating]:
            composition, familiarity = prediction.composition, prediction.familiarity
            return self.log_probabilities(
                g,
                composition and [composition] * len(g),
                familiarity.structure_type if familiarity else UNSURE,
            )

        importance = find_importance(log_probabilities, pdf)
        return replace(prediction, importance=importance, matches=matches, notes=notes)

    @cached_property
    def _labels(self) -> Labels:
        return labels_of(self.space_groups)

    def _can_use(self, composition: str | None) -> bool:
        """Return whether the model uses a composition."""
        if composition is None or self.neighbours is None:
            return False
        return self.uses_compositions and self.neighbours.has_similar(composition)

    def _condition_notes(self, conditions: Conditions) -> Iterator[str]:
        """Yield a note for each condition that the model was not trained for."""
        box = self.trained_over
        for name in box.outside(conditions):
            # No input is beyond the end of the grid, so a larger rmax is the same.
            if name == "rmin" or (
                name == "rmax" and min(conditions.rmax, box.rmax[1]) >= INPUT_R[-1]
            ):
                continue
            low, high = map(QUANTITIES[name].with_unit, getattr(box, name))
            trained = f"only at {low}" if low == high else f"from {low} to {high}"
            value = QUANTITIES[name].with_unit(getattr(conditions, name))
            yield f"{name} is {value}; the model was trained {trained}."
        if conditions.rmin > FIRST_PEAK:
            yield (
                f"G(r) begins at {conditions.rmin:.3g} Å, but the model was trained "
                f"from {self.conditions.rmin:g} Å on; short distances help to "
                "distinguish groups."
            )
        if conditions.radiation not in self.radiations:
            yield (
                f"the radiation is {conditions.radiation}; the model was trained for "
                f"{' and '.join(self.radiations)} only."
            )
