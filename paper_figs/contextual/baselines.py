"""Methods to compare with, and their settings."""

from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def _lasso(alpha: float):
    return make_pipeline(StandardScaler(), Lasso(alpha=alpha, max_iter=100_000))


def _forest(leaf: int, share: float) -> RandomForestRegressor:
    return RandomForestRegressor(
        100, min_samples_leaf=leaf, max_features=share, random_state=0, n_jobs=1
    )


def _boosting(depth: int, n: int) -> GradientBoostingRegressor:
    return GradientBoostingRegressor(
        max_depth=depth, n_estimators=n, learning_rate=0.1, subsample=0.5, random_state=0
    )


BASELINES = {
    "least squares": [("", LinearRegression())],
    "lasso": [(f"alpha={a:g}", _lasso(a)) for a in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)],
    "PLS": [(f"components={n}", PLSRegression(n)) for n in (5, 10, 15, 20)],
    "random forest": [
        (f"leaf={leaf}, features={share:.2g}", _forest(leaf, share))
        for leaf in (1, 5)
        for share in (1.0, 1 / 3)
    ],
    "gradient boosting": [
        (f"depth={depth}, trees={n}", _boosting(depth, n)) for depth in (2, 4) for n in (100, 300)
    ],
}
