"""Models of flexmix's vignette whose components share coefficients, beside flexmix itself.

Gruen, B. and Leisch, F. (2008). FlexMix version 2. J. Statistical Software 28(4), section 4.
"""

import shutil
import subprocess
from typing import NamedTuple

import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from tests.sweeps import first

pytestmark = pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")

SHORT = 0.1  # in log-likelihood, which flexmix's rule for stopping leaves
LOWER = "one slope"  # from the shares of the free model flexmix climbs to another maximum, 5 lower

SCRIPT = """
suppressMessages(library(flexmix))
folder <- commandArgs(TRUE)[1]
set.seed(2007)
told <- function(name, m) cat(name, sprintf("%.6f %d %.6f", m@logLik, m@df, BIC(m)), "\\n")
shared <- function(fixed) FLXMRglmfix(family = "poisson", fixed = fixed)
data("bioChemists", package = "flexmix")
write.csv(bioChemists, file.path(folder, "articles.csv"), row.names = FALSE)
again <- function(formula, first, ...)
  flexmix(formula, data = bioChemists, cluster = posterior(first), ...)
a1 <- stepFlexmix(art ~ ., data = bioChemists, k = 1:3, nrep = 10, verbose = FALSE,
                  model = FLXMRglm(family = "poisson"))
a1 <- getModel(a1, "BIC")
a2 <- again(art ~ fem + phd, a1, model = shared(~ kid5 + mar + ment))
told("free", a1)
told("shared", a2)
told("no prestige", again(art ~ fem, a2, model = shared(~ kid5 + mar + ment)))
told("gender in gate", again(art ~ 1, a2, model = shared(~ kid5 + mar + ment),
                             concomitant = FLXPmultinom(~ fem)))
told("constants", again(art ~ 1, a2, model = shared(~ kid5 + ment + fem)))
data("patent", package = "flexmix")
write.csv(patent, file.path(folder, "patents.csv"), row.names = FALSE)
p1 <- stepFlexmix(Patents ~ lgRD, k = 3, nrep = 10, verbose = FALSE, data = patent,
                  model = FLXMRglm(family = "poisson"), concomitant = FLXPmultinom(~ RDS))
told("patents", p1)
told("one slope", flexmix(Patents ~ 1, data = patent, cluster = posterior(p1),
                          model = shared(~ lgRD), concomitant = FLXPmultinom(~ RDS)))
"""


class Model(NamedTuple):
    """How a model of the vignette is written here."""

    data: str
    formula: str
    gate: str = "~ 1"
    common: tuple[str, ...] = ()
    n_experts: int = 2


FAMILY, GENDER = ("kid5", "mar[T.Single]", "ment"), ("kid5", "ment", "fem[T.Women]")
MODELS = {
    "constants": Model("articles", "art ~ kid5 + ment + fem", "~ 1", GENDER),
    "free": Model("articles", "art ~ fem + mar + kid5 + phd + ment"),
    "shared": Model("articles", "art ~ fem + phd + kid5 + mar + ment", "~ 1", FAMILY),
    "no prestige": Model("articles", "art ~ fem + kid5 + mar + ment", "~ 1", FAMILY),
    "gender in gate": Model("articles", "art ~ kid5 + mar + ment", "~ fem", FAMILY),
    "patents": Model("patents", "Patents ~ lgRD", "~ RDS", (), 3),
    "one slope": Model("patents", "Patents ~ lgRD", "~ RDS", ("lgRD",), 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def flexmix(
    tmp_path_factory,
) -> tuple[dict[str, tuple[float, int, float]], dict[str, pd.DataFrame]]:
    """Log-likelihood, parameters and BIC of each model, and the data."""
    folder = tmp_path_factory.mktemp("flexmix")
    script = folder / "fit.R"
    script.write_text(SCRIPT)
    run = subprocess.run(["Rscript", script, folder], capture_output=True, text=True, check=False)
    if "there is no package" in run.stderr:
        pytest.skip("needs flexmix")
    assert run.returncode == 0, run.stderr
    told = {}
    for line in run.stdout.splitlines():
        *name, log_likelihood, count, bic = line.split()
        told[" ".join(name)] = float(log_likelihood), int(count), float(bic)
    return told, {name: pd.read_csv(folder / f"{name}.csv") for name in ("articles", "patents")}


@pytest.mark.parametrize("name", first(MODELS))
def test_no_model_of_the_vignette_is_better_there(flexmix, name):
    told, tables = flexmix
    model = MODELS[name]
    moe = MixtureOfExperts(
        model.n_experts, expert="poisson", formula=model.formula, gate_formula=model.gate,
        common=list(model.common) or None, random_state=0,
    ).fit(tables[model.data])  # fmt: skip
    log_likelihood, count, bic = told[name]
    assert moe.certificate_.sound
    assert moe.n_parameters_ == count
    ours = moe.sum_of_weights_ * moe.log_likelihood_
    assert ours > log_likelihood - 1e-6
    assert (ours < log_likelihood + SHORT) == (name != LOWER)
    assert moe.bic(tables[model.data]) <= bic + 1e-6
