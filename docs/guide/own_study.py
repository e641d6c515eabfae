import numpy as np
from mixstat.plotting import RateDisplay
from mixstat.rates import RateStudy, Truth, Uniform, latex_table, register_loss, slope_table
gate = {"gate_intercept": [0.5, 0.0], "gate_slope": [2.0, 0.0]}
lines = {"expert_intercept": [1.0, -1.0], "expert_slope": [1.5, -1.5], "scale": [0.5, 0.7]}
truth = Truth.of(Uniform(-3, 3), **gate, **lines)
def mean_gap(truth, law):
    X = truth.inputs.nodes(7).X
    return np.abs(truth.law.at(X).mean() - law.at(X).mean()).mean()
register_loss("mean_gap", mean_gap)
study = RateStudy(truth, 2, [200, 400, 800], n_replicates=8, losses=["voronoi", "mean_gap"])
study.run(store="own-study")  # killed? the same line goes on from the last finished cell
rates = [study.rate("voronoi"), study.rate("mean_gap")]
RateDisplay(rates, theory=-0.5, band="quantiles", size="column").plot().figure_.savefig("own.pdf")
print(latex_table(slope_table(rates)))
