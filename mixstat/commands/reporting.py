"""``mixstat report``: a page on a model and rows, those of the fit or others."""

import argparse
import datetime
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import mixstat
from mixstat.arguments import DataFrame, Response, Table, Weights
from mixstat.commands import figures, page
from mixstat.commands.described import describe_columns
from mixstat.commands.page import Section
from mixstat.commands.tables import (
    checked_place,
    columns_of,
    inputs_of,
    read_model,
    read_table,
    response_of,
)
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.estimators.knowing import KnowingMixture
from mixstat.estimators.prediction import RegressionMixture
from mixstat.files import as_file, write_at_once
from mixstat.inference.results import InferenceResults


class Told(NamedTuple):
    """What a page is about."""

    moe: BaseMixture
    table: DataFrame
    """As it was read."""
    X: Table
    y: Response
    results: InferenceResults | None
    """None where the rows are not those of the fit."""
    why: str
    """And how they differ."""
    name: str
    """Of the data."""


def report(chosen: argparse.Namespace) -> None:
    """Write the page."""
    figures.without_screen()
    place = checked_place(as_file(chosen.out, "--out"))
    told = _told(chosen)
    sections = [
        Section("Data", list(_data(told))),
        Section("Fit", list(_fit(told))),
        Section("Certificate", list(_certificate(told))),
        Section("Experts", list(_experts(told))),
        Section("Effects", list(_effects(told))),
        Section("Diagnostics", list(_diagnostics(told))),
        Section("Along the inputs", list(_along(told))),
    ]
    day = datetime.date.today().isoformat()
    footer = f"mixstat {mixstat.__version__}, {day}, {Path(chosen.model).name}, {told.name}"
    title = f"{type(told.moe).__name__}: {Path(chosen.model).name}"
    write_at_once(place, page.page(title, sections, footer).encode())
    print(place)


def _told(chosen: argparse.Namespace) -> Told:
    moe, table = read_model(chosen.model), read_table(chosen.data, chosen.separator)
    y = response_of(moe, table, chosen.response)
    X = inputs_of(moe, table, [chosen.response] if chosen.response else ())
    weight = chosen.weights
    if weight is not None:
        weight = columns_of(table, [weight], "--weights")[weight].to_numpy()
    X, y, weight = moe._complete(X, y, weight)
    name = Path(chosen.data).name
    try:
        results = _inferred(moe, table, X, y, weight)
    except ValueError as error:  # other rows than those of the fit
        return Told(moe, table, X, y, None, str(error), name)
    return Told(moe, table, X, y, results, "", name)


def _inferred(
    moe: BaseMixture, table: DataFrame, X: Table, y: Response, weight: Weights
) -> InferenceResults:
    beside = {}
    if isinstance(moe, KnowingMixture):
        schema = moe.fit_.request.schema
        known = {*schema.columns, *schema.responses}
        beside["context_data"] = table.drop(columns=[name for name in table if name in known])
    return moe.inference(X, y, sample_weight=weight, **beside)


def _data(told: Told) -> Iterable[str]:
    yield page.sentences(
        f"{told.name} has {len(told.table)} rows and {told.table.shape[1]} columns."
    )
    if told.results is None:
        yield page.sentences(f"What needs the rows of the fit is left out: {told.why}")
    yield page.table(describe_columns(told.moe, told.table), "Columns that the model takes")


def _fit(told: Told) -> Iterable[str]:
    yield page.text(str(told.moe.summary()), "Summary of the fit")


def _certificate(told: Told) -> Iterable[str]:
    certificate = told.moe.certificate_
    yield page.sentences(str(certificate))
    yield page.listing(certificate.notes())
    numbers = {
        "status": certificate.status.name.lower(),
        "sound": "yes" if certificate.sound else "no",
        "largest gradient": f"{certificate.gradient_norm:.1e}",
        "gain of a Newton step": f"{certificate.newton_decrement:.1e}",
        "smallest eigenvalue of the information": f"{certificate.min_eigenvalue:.1e}",
        "starts that agree": f"{certificate.starts_agreeing} of {certificate.starts_finished}",
    }
    yield page.table(_pairs(numbers), "The maximum")


def _experts(told: Told) -> Iterable[str]:
    results = told.results
    if results is None:
        share = told.moe.gate_proba(told.X).mean(axis=0)
        titles = told.moe.fit_.expert_titles
        numbers = {name: f"{one:.3f}" for name, one in zip(titles, share, strict=True)}
        yield page.table(_pairs(numbers), "Mean share of each expert in these rows")
        return
    yield from _tried(
        lambda: page.table(results.expert_diagnostics().reset_index(), "How sure experts are")
    )
    frame = results.summary_frame().drop(columns=["part", "expert", "output", "term"])
    yield page.table(frame.reset_index(names="parameter"), "Parameters")
    yield from _drawn([figures.of_parameters(results)])


def _effects(told: Told) -> Iterable[str]:
    results = told.results
    if results is None:
        yield page.note("Effects are told of the rows of the fit.")
        return
    try:
        effects = results.marginal_effects()
        lines = str(effects.summary())
    except (ValueError, TypeError) as error:
        yield page.note(f"Not shown: {error}")
        return
    yield page.text(lines, "Average effects of the inputs")
    yield from _drawn([figures.of_effects(effects)])


def _diagnostics(told: Told) -> Iterable[str]:
    yield from _tried(lambda: page.table(_scores(told), "On these rows"))
    moe = told.moe
    if isinstance(moe, RegressionMixture):
        yield from _tried(
            lambda: page.table(
                moe.interval_coverage(told.X, told.y), "Rows inside prediction intervals"
            )
        )
    if told.results is not None:
        yield from _drawn(figures.of_rows(told.results))


def _along(told: Told) -> Iterable[str]:
    pictures = figures.along_inputs(told.moe, told.X, told.y)
    yield from _drawn(pictures)
    if not pictures:
        yield page.note("The model has no inputs.")


def _scores(told: Told) -> DataFrame:
    """Means over the rows of what tells how well they are predicted."""
    moe = told.moe
    found = {"mean log density": f"{np.mean(moe.score_samples(told.X, told.y)):.5g}"}
    if isinstance(moe, ClassificationMixture):
        found["share of classes that are right"] = f"{moe.score(told.X, told.y):.4f}"
    elif isinstance(moe, RegressionMixture) and not moe.fit_.model.experts.paired:
        found["R2 of the mean"] = f"{moe.score(told.X, told.y):.4f}"
    return _pairs(found)


def _pairs(values: dict[str, str]) -> DataFrame:
    import pandas as pd

    return pd.DataFrame({"what": list(values), "value": list(values.values())})


def _drawn(pictures: Iterable[figures.Picture]) -> Iterable[str]:
    for one in pictures:
        yield from _tried(lambda one=one: page.image(figures.as_png(one.draw()), one.alt))


def _tried(make: Callable[[], str]) -> Iterable[str]:
    """A block, or why there is none: not all is defined for all models."""
    try:
        yield make()
    except (ValueError, TypeError) as error:
        yield page.note(f"Not shown: {error}")
