"""``mixstat fit`` and ``mixstat select``."""

import argparse
from pathlib import Path
from typing import Any

from mixstat import selection
from mixstat.commands.figures import as_png, figure_of, without_screen
from mixstat.commands.tables import read_table
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classifier import MixtureOfExpertsClassifier
from mixstat.estimators.regressor import MixtureOfExperts
from mixstat.files import as_folder, write_at_once
from mixstat.saving import save

CLASSES = ["multinomial"]  # as the only family it makes a classifier


def fit(chosen: argparse.Namespace) -> None:
    """Fit a model, print its summary, and keep what there is to keep."""
    folder, table = _folder(chosen.out), read_table(chosen.data, chosen.separator)
    moe = _estimator(chosen, chosen.experts)
    moe.fit(table, None, chosen.weights, **_beside(chosen))
    print(moe.summary())
    print(moe.certificate_)
    if folder is None:
        print("Nothing was written: --out DIR keeps the model, its coefficients and a figure.")
        return
    _keep(moe, folder)
    X, *_ = moe._complete(table, None)
    _write(folder / "figure.png", as_png(figure_of(moe, X)))


def select(chosen: argparse.Namespace) -> None:
    """Fit a model for each number of experts, print the choice, and keep it."""
    folder, table = _folder(chosen.out), read_table(chosen.data, chosen.separator)
    moe = _estimator(chosen, chosen.experts[0])
    found = selection.select(
        table,
        None if chosen.folds is None else table[list(_outputs(moe))].squeeze(axis=1),
        estimator=moe,
        n_experts=chosen.experts,
        criterion=chosen.criterion,
        cv=chosen.folds,
        sample_weight=chosen.weights,
        params=_beside(chosen),
    )
    print(found.summary())
    if folder is None:
        print("Nothing was written: --out DIR keeps the model that was chosen, and the table.")
        return
    _keep(found.best_estimator_, folder)
    _write(folder / "selection.csv", found.table.to_csv(index=False).encode())
    _write(folder / "selection.png", as_png(found.plot().figure_))


def _estimator(chosen: argparse.Namespace, n_experts: int) -> BaseMixture:
    settings: dict[str, Any] = {
        "formula": chosen.formula,
        "gate_formula": chosen.gate,
        "gate": chosen.gate_kind,
        "ridge": chosen.ridge,
        "missing": chosen.missing,
        "random_state": chosen.seed,
    }
    families = chosen.expert or ["gaussian"]
    if families == CLASSES:
        return MixtureOfExpertsClassifier(n_experts, **settings)
    settings["expert"] = families[0] if len(families) == 1 else families
    return MixtureOfExperts(n_experts, **settings)


def _beside(chosen: argparse.Namespace) -> dict[str, str]:
    """What is told of rows beside the formulas."""
    named = {"offset": chosen.offset, "groups": chosen.groups}
    told = {name: column for name, column in named.items() if column is not None}
    if told and chosen.expert == CLASSES:
        raise ValueError(f"--{min(told)} is not for classes (--expert multinomial).")
    return told


def _outputs(moe: BaseMixture) -> tuple[str, ...]:
    formulas = moe._formulas()
    assert formulas is not None
    return formulas.outputs


def _folder(out: str | None) -> Path | None:
    """The folder to write to, made before anything is fitted."""
    if out is None:
        return None
    without_screen()
    folder = as_folder(out, "--out")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(moe: BaseMixture, folder: Path) -> None:
    """Write the model, its summary and its coefficients."""
    save(moe, folder / "model.npz")
    print(f"  {folder / 'model.npz'}")
    _write(folder / "summary.txt", f"{moe.summary()}\n{moe.certificate_}\n".encode())
    table = moe.inference().summary_frame().reset_index(names="parameter")
    _write(folder / "coefficients.csv", table.to_csv(index=False).encode())


def _write(path: Path, content: bytes) -> None:
    write_at_once(path, content)
    print(f"  {path}")
