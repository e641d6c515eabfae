"""What the papers' scripts share: studies kept on disk, one file of results, expectations."""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mixstat.files import write_at_once
from mixstat.rates import RateStudy, RateWarning, StoreMismatchError, fit_rate
from mixstat.rates.store import FINGERPRINT, Store, read_fingerprint
from mixstat.rates.verdicts import claims_of, verdict

Studies = Mapping[str, Callable[[bool], RateStudy]]  # made for a quick run or not
Others = Mapping[str, Callable[[bool, Path], dict[str, Any]]]  # likewise, with a folder
FACTS = {  # columns of a study's table that are no losses
    "n", "replicate", "converged", "status", "log_likelihood", "n_iter", "gradient_norm",
    "newton_decrement", "min_eigenvalue", "best_start", "starts_agreeing", "binding",
}  # fmt: skip
# starts that those of over-specified studies are compared with, on how many data sets of the
# smallest and of the middle size; studies with fewer replicates than the last are quick ones
MORE_STARTS, MISSES, WHOLE = 40, 5, 16
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "between": lambda value, bounds: bool(bounds[0] <= value <= bounds[1]),
    "above": lambda value, bound: bool(value >= bound),
    "below": lambda value, bound: bool(value <= bound),
}


def main(
    here: Path,
    doc: str,
    studies: Studies,
    more: Others | None = None,
    summaries: Callable[[dict, dict], dict] | None = None,
    extra: Studies | None = None,
    argv: Sequence[str] | None = None,
) -> int:
    """Run the parts of a paper, write their results and compare them with what must hold.

    Parameters
    ----------
    here : Path
        Folder of the paper, with expected.json.
    doc : str
        About the script; its first line is shown by ``--help``.
    studies : dict of callables
        Studies by name; each is kept in a folder of this name and goes on where it stopped.
    more : dict of callables, default=None
        Anything else by name: given whether the run is quick and a folder, returns results.
    summaries : callable, default=None
        From results and tables of what has been run so far, results across studies.
    extra : dict of callables, default=None
        Studies that run only if ``--only`` names them.
    argv : sequence of str, default=None
        Arguments; None takes those of the command.

    Returns
    -------
    int
        Exit status: 1 if something is not as expected.
    """
    more, extra = more or {}, extra or {}
    asked = _arguments(doc, [*studies, *more, *extra], argv)
    quick, names = asked.quick, asked.only or [*studies, *more]
    out = asked.out or here / ("out-quick" if quick else "out")
    out.mkdir(parents=True, exist_ok=True)
    results = stored(out)
    every = {**studies, **extra}
    for name in names:
        print(f"{name} ...", flush=True)
        if name in more:
            found = _timed(more[name], quick, out / name)
        else:
            try:
                found = _studied(every[name](quick), out / name, results.get(name), asked.workers)
            except StoreMismatchError as error:
                print(f"{error} Remove the folder or choose another --out.", file=sys.stderr)
                return 2
        results[name] = {"quick": quick} | found
        _write(out, results)
        if summaries is not None:
            results["summary"] = summaries(results, tables(out))
            _write(out, results)
        print(f"{name}: {_in_words(results[name])}", flush=True)
    wanted = json.loads((here / "expected.json").read_text())["quick" if quick else "full"]
    failures = check(results, wanted, names, complete=set(names) >= {*studies, *more})
    print("\n".join(failures) or "all as expected")
    return int(bool(failures))


def _arguments(doc: str, names: list[str], argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few replicates, smaller sizes")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    return parser.parse_args(argv)


def _timed(function: Callable[[bool, Path], dict], quick: bool, folder: Path) -> dict[str, Any]:
    begin = time.perf_counter()
    return function(quick, folder) | {"seconds": round(time.perf_counter() - begin, 1)}


def _studied(
    study: RateStudy, folder: Path, earlier: dict[str, Any] | None, workers: int
) -> dict[str, Any]:
    """Run what is missing of a study; seconds add up over interrupted runs that ended well."""
    store = Store(folder, study.fingerprint())
    pairs = [(n, r) for n in study.sample_sizes for r in range(study.n_replicates)]
    left = len(store.missing(pairs))
    begin = time.perf_counter()
    table = study.run(
        folder,
        backend="joblib" if workers > 1 else "device",
        n_workers=workers,
        progress=sys.stderr.isatty(),
    )
    seconds = (earlier or {}).get("seconds", 0.0)
    if left:
        kept = seconds if left < len(pairs) else 0.0
        seconds = round(kept + time.perf_counter() - begin, 1)
    return {"seconds": seconds} | about(table, study) | missed(study, folder)


def missed(study: RateStudy, folder: Path) -> dict[str, Any]:
    """How often the starts of an over-specified study miss the maximum, in plain types."""
    over = study.truth.is_mixture and study.spec.n_experts > study.truth.n_experts
    if not over or study.spec.solver == "published":  # which stops before any maximum
        return {}
    whole, sizes = study.n_replicates >= WHOLE, study.sample_sizes
    found = study.miss_rate(
        MORE_STARTS if whole else 2 * study.start.n_starts,
        MISSES if whole else 1,
        sample_sizes=[sizes[0], sizes[len(sizes) // 2]] if whole else sizes[:1],
        store=folder.with_name(f"{folder.name}-more-starts"),
        progress=sys.stderr.isatty(),
    )
    plain = ("n_data_sets", "n_missed", "largest_gain", "n_starts", "n_more")
    return {"missed": {name: getattr(found, name) for name in plain}}


def about(table: pd.DataFrame, study: RateStudy) -> dict[str, Any]:
    """Facts and rates of a study's table, in plain types."""
    losses = [c for c in table.columns if is_loss(c)]
    claims = claims_of(study.truth, study.spec.n_experts)
    rates = {loss: found for loss in losses if (found := rates_of(table, loss))}
    return {
        "n_fits": len(table),
        "replicates": study.n_replicates,
        "sizes": study.sample_sizes,
        "certified": float(table["converged"].mean()),
        "on_bound": float((table["binding"] != "").mean()),
        "rates": rates,
        "claims": {loss: claim.slope for loss, claim in claims.items()},
    }


def is_loss(column: str) -> bool:
    """Whether a column of a study's table holds a loss."""
    return not (column in FACTS or column.startswith("param ") or column.endswith("_error"))


def rates_of(table: pd.DataFrame, loss: str) -> dict[str, Any]:
    """Slope of the mean and of the median; one that is not positive at some n is left out."""
    found: dict[str, Any] = {}
    for statistic in ("mean", "median"):
        try:
            with warnings.catch_warnings():  # the shares that are warned of are results
                warnings.simplefilter("ignore", RateWarning)
                rate = fit_rate(table, loss, statistic=statistic)
        except ValueError:
            continue
        low, high = rate.interval
        found[statistic] = {"slope": rate.slope, "low": low, "high": high}
    return found


def printed(
    results: Mapping[str, Any], slopes: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    """Slopes that a paper prints beside those of our means, by study and loss.

    The verdict is that of a stated slope: whether the whole interval is near the printed one.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, stated in slopes.items():
        rates = results.get(name, {}).get("rates", {})
        means = {loss: rates[loss]["mean"] for loss in stated if "mean" in rates.get(loss, {})}
        for loss, ours in means.items():
            said = verdict(stated[loss], (ours["low"], ours["high"]))
            found.setdefault(name, {})[loss] = {"printed": stated[loss], **ours, "verdict": said}
    return found


def stored(out: Path) -> dict[str, Any]:
    """Results so far."""
    path = out / "results.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _write(out: Path, results: dict[str, Any]) -> None:
    content = json.dumps(results, indent=1) + "\n"
    write_at_once(out / "results.json", content.encode())


def tables(out: Path) -> dict[str, pd.DataFrame]:
    """Tables of the studies in a folder that have results, by name, with the rows of those."""
    found = {}
    for name, facts in stored(out).items():
        folder = out / name
        if not (folder / FINGERPRINT).exists():
            continue
        table = Store(folder, read_fingerprint(folder)).read()
        rows = table["n"].isin(facts["sizes"]) & (table["replicate"] < facts["replicates"])
        found[name] = table[rows].reset_index(drop=True)
    return found


def check(
    results: dict[str, Any], wanted: list[dict[str, Any]], names: Sequence[str], *, complete: bool
) -> list[str]:
    """What is not as wanted.

    Parameters
    ----------
    results : dict
        By part.
    wanted : list of dict
        ``{"value": "part/key/key", relation: bound}``.
    names : sequence of str
        Parts that were run; values of others are left alone.
    complete : bool
        Whether every part was run, so that a missing value of the summary is a failure too.

    Returns
    -------
    list of str
        A line per failure.
    """
    failures = []
    for entry in wanted:
        path = entry["value"]
        part = path.split("/")[0]
        value = _value(results, path)
        if "skipped" in results.get(part, {}):  # the part has told why
            continue
        if part not in names and not (part == "summary" and (complete or value is not None)):
            continue
        relation = next(r for r in RELATIONS if r in entry)
        if value is None or not RELATIONS[relation](value, entry[relation]):
            seen = "missing" if value is None else f"{value:.4g}"
            failures.append(f"{path} is {seen}, wanted {relation} {entry[relation]}")
    return failures


def _value(results: Any, path: str) -> Any:
    for key in path.split("/"):
        if not isinstance(results, dict) or key not in results:
            return None
        results = results[key]
    return results


def _in_words(facts: dict[str, Any]) -> str:
    if "rates" not in facts:
        return facts.get("skipped", f"{facts['seconds']:g} s")
    certified, bound = (f"{100 * facts[name]:.4g} %" for name in ("certified", "on_bound"))
    counted = f"{facts['n_fits']} fits in {facts['seconds']:g} s"
    return f"{counted}, {certified} certified, {bound} on a bound"


def plot_arguments(
    here: Path, doc: str, argv: Sequence[str] | None = None
) -> tuple[Path, Path, bool]:
    """For plot.py: the folder of the data, the folder for figures, whether the run was quick."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="draw the quick run")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--save", type=Path, help="folder of the figures; default: the same")
    asked = parser.parse_args(argv)
    out = asked.out or here / ("out-quick" if asked.quick else "out")
    save = asked.save or out
    save.mkdir(parents=True, exist_ok=True)
    return out, save, asked.quick
