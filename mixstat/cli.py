"""The command ``mixstat``."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import mixstat
from mixstat.commands.arguments import add_commands, add_options

INTERRUPTED = 130  # exit status of a command that Ctrl-C has ended


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    top = argparse.ArgumentParser(prog="mixstat", description="Statistical mixtures of experts.")
    top.add_argument("--version", action="version", version=f"mixstat {mixstat.__version__}")
    areas = top.add_subparsers(required=True, metavar="COMMAND")
    add_commands(areas)
    kept = areas.add_parser("cache", help="what compiled programs are kept, and where")
    kept.set_defaults(act=_tell_programs)
    cleared = kept.add_subparsers(metavar="ACTION").add_parser("clear", help="delete them")
    cleared.set_defaults(act=_clear_programs)
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
    run.set_defaults(act=_run, resumes=True)

    plot = actions.add_parser("plot", help="rates of a store against theory, and figures")
    plot.add_argument("store", metavar="DIR", help="folder that 'run' wrote")
    plot.add_argument("--loss", action="append", help="a loss or column; may be repeated")
    plot.add_argument("--median", action="store_true", help="medians instead of means")
    plot.set_defaults(act=_plot)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    understood = parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks how a line may go on
        _complete(understood)
    chosen = understood.parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            chosen.act(chosen)
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        more = "; the same command goes on from here" if hasattr(chosen, "resumes") else ""
        print(f"mixstat: interrupted{more}.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, TypeError, ImportError, OSError) as error:
        words = add_options(_one_line(error), chosen)
        print(f"mixstat: {words}", file=sys.stderr)
        return 2
    return 0


def _complete(understood: argparse.ArgumentParser) -> None:
    """Answer the shell, and end."""
    try:
        import argcomplete
    except ImportError:
        sys.exit(2)
    argcomplete.autocomplete(understood)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as a line of the command, without the place in the source."""
    print(f"mixstat: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _tell_programs(chosen: argparse.Namespace) -> None:
    from mixstat.numerics.cache import describe

    print(describe())


def _clear_programs(chosen: argparse.Namespace) -> None:
    from mixstat.numerics.cache import clear

    print(clear())


def _list(chosen: argparse.Namespace) -> None:
    from mixstat.rates.studies import study_names

    names = study_names()
    width = max(map(len, names))
    for name, about in names.items():
        print(f"{name:<{width}}  {about}")


def _run(chosen: argparse.Namespace) -> None:
    from mixstat.rates.studies import named_study
    from mixstat.validation import check_integer

    check_integer("workers", chosen.workers, 1)
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
    from mixstat.rates.fitted import RateWarning, fit_rate
    from mixstat.rates.store import Store, read_fingerprint
    from mixstat.rates.verdicts import RULE, in_words, stated_in

    facts = read_fingerprint(chosen.store)
    table = Store(chosen.store, facts).read()
    if table.empty:
        raise ValueError(f"{chosen.store} holds no fits yet: 'mixstat rates run' makes them.")
    claims = stated_in(facts)
    losses = chosen.loss or [c for c in table.columns if c in claims] or ["hellinger"]
    statistic = "median" if chosen.median else "mean"
    warnings.simplefilter("always", RateWarning)
    for loss in losses:
        rate = fit_rate(table, loss, statistic=statistic)
        claim = claims.get(rate.loss)
        print(rate if claim is None else f"{rate}; {in_words(claim, rate)}")
        figure = Figure(figsize=(6, 4), layout="constrained")
        RateDisplay(rate, None if claim is None else claim.slope).plot(ax=figure.subplots())
        path = Path(chosen.store) / f"rate-{rate.loss}.png"
        figure.savefig(path, dpi=150)
        print(f"  {path}")
    if claims:
        print(RULE)


if __name__ == "__main__":
    sys.exit(main())
