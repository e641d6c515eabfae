"""The command ``mixstat``."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    top = argparse.ArgumentParser(prog="mixstat", description="Statistical mixtures of experts.")
    areas = top.add_subparsers(required=True, metavar="AREA")
    rates = areas.add_parser("rates", help="studies of convergence rates")
    actions = rates.add_subparsers(required=True, metavar="ACTION")

    listed = actions.add_parser("list", help="name the studies")
    listed.set_defaults(act=_list)

    run = actions.add_parser("run", help="run a study, or go on with it")
    run.add_argument("name", help="a name from 'mixstat rates list'")
    run.add_argument("--quick", action="store_true", help="fewer and smaller data sets")
    run.add_argument("--store", required=True, metavar="DIR", help="folder of finished fits")
    run.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    run.add_argument("--seed", type=int, default=0, help="seed of data and starts (default 0)")
    run.add_argument("--silent", action="store_true", help="show no progress")
    run.set_defaults(act=_run)

    plot = actions.add_parser("plot", help="rates of a store, and a figure of each")
    plot.add_argument("store", metavar="DIR", help="folder that 'run' wrote")
    plot.add_argument("--loss", action="append", help="a column; may be repeated")
    plot.add_argument("--median", action="store_true", help="medians instead of means")
    plot.set_defaults(act=_plot)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    chosen = parser().parse_args(argv)
    try:
        chosen.act(chosen)
    except (ValueError, ImportError) as error:
        print(f"mixstat: {error}", file=sys.stderr)
        return 2
    return 0


def _list(chosen: argparse.Namespace) -> None:
    from mixstat.rates.studies import study_names

    names = study_names()
    width = max(map(len, names))
    for name, about in names.items():
        print(f"{name:<{width}}  {about}")


def _run(chosen: argparse.Namespace) -> None:
    from mixstat.rates.studies import named_study

    study = named_study(chosen.name, quick=chosen.quick, seed=chosen.seed)
    backend = "joblib" if chosen.workers > 1 else "device"
    table = study.run(
        chosen.store, backend=backend, n_workers=chosen.workers, progress=not chosen.silent
    )
    certified = 100 * table["converged"].mean()
    print(f"{len(table)} fits, {certified:.4g} % certified, in {chosen.store}")


def _plot(chosen: argparse.Namespace) -> None:
    from matplotlib.figure import Figure

    from mixstat.plotting import RateDisplay
    from mixstat.rates.catalogue import truths
    from mixstat.rates.fitted import RateWarning, fit_rate
    from mixstat.rates.store import Store, read_fingerprint
    from mixstat.rates.studies import claims_of

    facts = read_fingerprint(chosen.store)
    table = Store(chosen.store, facts).read()
    truth = truths().get(facts["truth"]["name"])
    stated = claims_of(truth, facts["specification"]["n_experts"]) if truth else {}
    losses = chosen.loss or [c for c in table.columns if c in stated] or ["hellinger"]
    statistic = "median" if chosen.median else "mean"
    warnings.simplefilter("always", RateWarning)
    for loss in losses:
        rate = fit_rate(table, loss, statistic=statistic)
        theory = stated[loss].slope if loss in stated else None
        print(rate if theory is None else f"{rate}; theory {theory:g}")
        figure = Figure(figsize=(6, 4), layout="constrained")
        RateDisplay(rate, theory).plot(ax=figure.subplots())
        path = Path(chosen.store) / f"rate-{loss}.png"
        figure.savefig(path, dpi=150)
        print(f"  {path}")


if __name__ == "__main__":
    sys.exit(main())
