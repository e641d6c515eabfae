"""Starts with one expert more than a model has: one of its experts is split in two."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.data.batch import Batch
from mixstat.fitting.first_models import Start, first_models
from mixstat.fitting.fit import Fit
from mixstat.fitting.moves import WAYS, moves
from mixstat.fitting.starts import StartRows
from mixstat.fitting.tables import view_of
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import all_responsibilities


@dataclass(frozen=True, eq=False)
class Splits:
    """Makes starts of a larger model from ends of a smaller one, for one response after another.

    Which expert is split is drawn; it is split in each of the ways of :mod:`mixstat.fitting.moves`,
    once for every expert that there is.
    """

    large: Fit
    """A fit of the larger model, to the same rows of X, which count once."""

    @property
    def count(self) -> int:
        """Starts for each response."""
        return len(WAYS) * (self.large.n_experts - 1)

    def models(self, end: Mixture, batch: Batch, seed: Sequence[int]) -> list[Mixture]:
        """First models of the larger model.

        Parameters
        ----------
        end
            Of the smaller model, fitted to the response.
        batch
            Rows with the response, as the larger model sees them.
        seed
            What is drawn depends on it.
        """
        random, n = np.random.default_rng(seed), len(self._weight)
        shares = batches.take_rows(all_responsibilities(end, batch), n)
        grown = np.hstack([shares, np.zeros((n, 1))])
        rows = self._rows(batches.take_rows(np.asarray(batch.rows.y), n))
        chosen = islice(moves(rows, grown, np.array([end.n_experts]), random), self.count)
        starts = [Start("move", moved) for moved in chosen]
        objective = self.large.maximum.objective.replace(batch=batch, draft=None)
        made = first_models(objective, self._null, starts, random, block=self.count)
        return [parameter_vector.as_numpy(model) for _, model in made]

    def _rows(self, encoded: Float[np.ndarray, "n r"]) -> StartRows:
        offset = self._offset
        view = view_of(self.large.request.family, encoded, self._weight, offset)
        return StartRows(*self._features, encoded, view, self._weight, offset)

    @cached_property
    def _offset(self) -> Float[np.ndarray, "n o"] | None:
        known = self.large.maximum.batch.rows.offset
        return None if known is None else batches.take_rows(np.asarray(known), len(self._weight))

    @cached_property
    def _features(self) -> tuple[Float[np.ndarray, "n q"], Float[np.ndarray, "n p"]]:
        rows, n = self.large.maximum.batch.rows, len(self._weight)
        Z = batches.take_rows(np.asarray(rows.Z), n)
        return Z, Z if rows.Phi is None else batches.take_rows(np.asarray(rows.Phi), n)

    @cached_property
    def _weight(self) -> Float[np.ndarray, " n"]:
        weight = np.ravel(np.asarray(self.large.maximum.batch.rows.weight))
        return weight[weight > 0]

    @cached_property
    def _null(self) -> Mixture:
        """A larger model in which experts are alike."""
        k, (Z, Phi) = self.large.n_experts, self._features
        request, n_outputs = self.large.request, len(self.large.units.location)
        return Mixture(
            request.options.gate.null(k, Z.shape[1]),
            request.family.standard_family().null(k, Phi.shape[1], n_outputs),
        )
