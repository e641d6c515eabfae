"""Binomial experts."""

from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from mixstat.experts.base import blank
from mixstat.experts.glm import CountExperts, check_counts, one_predictor
from mixstat.numerics import crps
from mixstat.numerics.functions import sigmoid, softplus
from mixstat.numerics.precision import AnyArray
from mixstat.validation import check_integer


class BinomialExperts(CountExperts):
    """y | x, k ~ Binomial(trials, p) with log odds of p equal to coef_k phi(x).

    ``trials`` is the number of trials of every row, and y then counts successes. With None, y
    has two columns, successes and failures, or one of single trials: True and False, or 0 and 1.
    Predictions are then those of a single trial, whose mean is the share of successes.

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import BinomialExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = rng.binomial(20, np.where(rng.random(300) < 0.5, 0.2, 0.7))
    >>> family = BinomialExperts(trials=20)
    >>> moe = MixtureOfExperts(2, expert=family, n_init=2, random_state=0).fit(X, y)
    >>> moe.expert_means([[0.0]]).round(1)
    array([[[ 4.1],
            [14.1]]])
    """

    response: ClassVar[str] = "binomial"
    paired: ClassVar[bool] = True
    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    trials: Any = eqx.field(static=True, default=None, kw_only=True)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "BinomialExperts":
        return self._like(np.zeros((n_experts, 1, n_features)))

    def _like(self, coef: AnyArray) -> "BinomialExperts":
        return BinomialExperts(coef, trials=self.trials)

    def widths(self, n_outputs: int) -> tuple[int, ...]:
        return (1, 2) if self.trials is None else (n_outputs,)

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        if self.trials is None:
            if y.shape[1] > 2 or (y.shape[1] == 1 and not np.isin(y, (0, 1)).all()):
                seen = "counts in one" if y.shape[1] == 1 else y.shape[1]
                raise ValueError(
                    "y must have two columns, successes and failures, or one of True and False, "
                    f"for binomial experts without trials, got {seen}; or give "
                    "BinomialExperts(trials=...)."
                )
        else:
            check_integer("trials", self.trials, 1)
            super().check(y)
        check_counts(y, "binomial")
        if self.trials is not None and y.max() > self.trials:
            raise ValueError(
                f"y must not exceed trials={self.trials} for binomial experts, got {y.max():g}."
            )
        if not self._alone(y) and (y.sum(axis=1) == 0).any():
            row = int(np.flatnonzero(y.sum(axis=1) == 0)[0])
            raise ValueError(
                f"y must count at least one trial in every row, got none in row {row}."
            )

    def standard(self, y, share, *, constant: bool):
        return np.zeros(y.shape[1]), np.ones(y.shape[1])

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 3"]:
        """Successes, trials, and the log of the binomial coefficient.

        A column of successes alone, without ``trials``, is of single trials: that is how such
        experts are drawn from.
        """
        hits = y[:, 0]
        total = np.full(len(y), float(self.trials or 1)) if self._alone(y) else y.sum(axis=1)
        ways = gammaln(total + 1) - gammaln(hits + 1) - gammaln(total - hits + 1)
        return np.column_stack([hits, total, ways])

    def _alone(self, y: Float[np.ndarray, "n c"]) -> bool:
        """Whether failures are not told beside successes."""
        return self.trials is not None or y.shape[1] == 1

    def view(self, y: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 1"]:
        return np.log((y[:, :1] + 0.5) / (y[:, 1:2] - y[:, :1] + 0.5))

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        return y - np.array([1.0, -1.0])[: y.shape[1]]

    def observed(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 1"]:
        return y[:, :1] if self._alone(y) else y[:, :1] / y.sum(axis=1, keepdims=True)

    def working(self, y: Float[AnyArray, "3 n"]) -> Float[AnyArray, "1 n"]:
        return jnp.log((y[:1] + 0.5) / (y[1:2] - y[:1] + 0.5))

    def link(
        self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "3 n"]
    ) -> Float[AnyArray, "K n"]:
        hits, total, ways = y[:1], y[1:2], y[2:]
        return hits * eta[:, 0] - total * softplus(eta[:, 0]) + ways

    def derivatives(self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "3 n"]):
        chance = sigmoid(eta[:, 0])
        return one_predictor(y[:1] - y[1:2] * chance, -y[1:2] * chance * (1 - chance))

    def single_trials(self, y: Float[np.ndarray, "n 3"]) -> bool:
        return bool(np.all(y[:, 1] == 1))

    def permute(self, order: AnyArray) -> "BinomialExperts":
        return self._like(np.asarray(self.coef)[order])

    def marginals(self, eta: Float[np.ndarray, "K 1 n"]):
        from scipy import special, stats

        return stats.binom(1 if self.trials is None else self.trials, special.expit(eta))

    def cdf(self, eta: Float[np.ndarray, "K 1 n"], y: Float[np.ndarray, "c n"]):
        """Of successes among the trials of each row, where y has successes and failures."""
        from scipy import special, stats

        if self.trials is not None or len(y) == 1:
            return super().cdf(eta, y)
        return stats.binom(y.sum(axis=0), special.expit(eta)).cdf(y[:1])

    def crps(
        self,
        eta: Float[np.ndarray, "K 1 n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "1 n"]:
        """Of successes among the trials of each row, where y has successes and failures."""
        from scipy import special, stats

        if self.trials is not None or len(y) == 1:
            return super().crps(eta, share, y)
        table = np.concatenate([eta, np.broadcast_to(y.sum(axis=0), eta.shape)], axis=1)

        def marginals(both: Float[np.ndarray, "K 2 n"]) -> Any:
            return stats.binom(both[:, 1:], special.expit(both[:, :1]))

        return crps.by_sums(marginals, table, share, y[:1])

    def sample_like(
        self,
        eta: Float[np.ndarray, "1 n"],
        k: int,
        y: Float[np.ndarray, "3 n"],
        random: np.random.Generator,
    ) -> Float[np.ndarray, "c n"]:
        """Successes, and failures where those are told beside them."""
        from scipy import special

        total = y[1].astype(int)
        hits = random.binomial(total, special.expit(eta[0])).astype(float)
        return hits[None] if self.trials is not None else np.stack([hits, total - hits])

    def traced_functions(self, eta: Float[AnyArray, "K 1 n"]) -> Float[AnyArray, "K 1 n"]:
        return (self.trials or 1) * sigmoid(eta)

    def in_units(self, location, scale, to_user) -> "BinomialExperts":
        return self._like(np.asarray(self.coef) @ to_user)
