"""Tables of fits: every workload by every tool, and beside the fastest peer on record."""

import itertools
from pathlib import Path

from . import cold, compare, peers, workloads
from .text import Table, number, span

FLEXMIX_FITS = {"W1": 3, "W7": 1}
FLEXMIX_FULL = {"W2": 1, "W3": 1, "W4": 1, "W6": 1}
LARGE = 100_000  # rows from which on import and compiling are counted too


def show(names: tuple[str, ...], folder: Path, *, full: bool) -> None:
    """Print both tables, a line at a time."""
    table = Table(
        "Fits from the same labels to the same maximum (one core; warm, medians)",
        (
            *(("workload", 8), ("tool", 9), ("CPU s", 9), ("wall s", 9), ("ratio", 7)),
            *(("spread", 11), ("passes", 6), ("MB", 6), ("mean log-lik.", 14), ("gap", 7)),
            *(("compile s", 9), ("import s", 8)),
        ),
    )
    fits = FLEXMIX_FITS | (FLEXMIX_FULL if full else {})
    missing = compare.flexmix_missing()
    pairs = []
    for name in names:
        own, reference = compare.fit_both(name, folder)
        rows = [own, reference]
        if name in fits and missing is None:
            best = own.log_likelihood
            rows.append(compare.fit_flexmix(name, folder, reference, best, fits[name]))
        pairs.append(rows)
        for row in rows:
            table.row(*_cells(row))
    print(f"\nflexmix left out: {missing}" if missing else "")
    print("gap: how far below mixstat; ratio: CPU over the NumPy EM of the same round")
    _beside_peers(pairs)


def _cells(row: compare.Row) -> tuple[object, ...]:
    return (
        *(row.workload, row.tool, number(row.cpu, 4), number(row.wall, 4), number(row.ratio)),
        *(span(row.ratios) if row.ratios else None, row.n_passes, number(row.peak_mb, 0)),
        *(number(row.log_likelihood, 9), f"{row.gap:.0e}"),
        *(number(row.compile_cpu), number(row.import_cpu)),
    )


def _beside_peers(pairs: list[list[compare.Row]]) -> None:
    table = Table(
        "Beside the fastest peer, and what is asked of memory",
        (
            *(("workload", 8), ("peer", 16), ("its CPU s", 9), ("over peer", 9)),
            *(("over NumPy", 10), ("with import, compile", 20), ("MB", 6), ("import", 6)),
            *(("few rows", 8), ("more", 6), ("NumPy EM", 8)),
        ),
    )
    for own, reference, *live in pairs:
        peer = peers.FASTEST.get(own.workload)
        told, cpu = (peer.tool, peer.cpu) if peer else (None, None)
        if live and (cpu is None or live[0].cpu < cpu):
            told, cpu = "flexmix, now", live[0].cpu
        whole = None
        if cpu and workloads.SPECS[own.workload].n >= LARGE:
            seconds = own.cpu + (own.compile_cpu or 0.0) + (own.import_cpu or 0.0)
            whole = f"{seconds:.2f} s, {seconds / cpu:.2f}"
        over = None if cpu is None else number(own.cpu / cpu, 4)
        memory = own.peak_mb, own.import_mb, own.runtime_mb
        more = None if None in memory else (own.peak_mb or 0.0) - (own.runtime_mb or 0.0)
        table.row(
            *(own.workload, told, number(cpu), over, number(own.ratio), whole),
            *(number(one, 0) for one in (*memory, more, reference.peak_mb)),
        )
    print(
        "\nMB: peak; of a process after the import; after a fit of the same model to "
        f"{compare.FEW:,} rows, compiler included; what the workload takes beyond that"
    )
    for name, peer in peers.FASTEST.items():
        if peer.note and any(own.workload == name for own, *_ in pairs):
            print(f"{name}: {peer.tool}, {peer.note}")


def show_cold(folder: Path) -> None:
    """Print what first use costs."""
    heads = (("", 34), ("CPU s", 7), ("wall s", 7), ("programs", 8))
    table = Table("Imports (fresh processes, medians)", heads)
    times = cold.import_times()
    for one in times.values():
        table.row(one.what, number(one.cpu), number(one.wall), None)
    for name in ("mixstat", "MixtureOfExperts"):
        ratio = cold.import_ratio(times, name)
        over = "times jax with sklearn.base, all less bare python"
        print(f"{name}: {ratio['cpu']:.2f} (CPU), {ratio['wall']:.2f} (wall) {over}")
    table = Table("First fit, 2,000 rows and 2 experts (fresh processes, medians)", heads)
    for start, cache in itertools.product(cold.STARTS, cold.CACHES):
        one = cold.first_fit(start, cache, folder)
        table.row(one.what, number(one.cpu), number(one.wall), one.details["programs"])
    if compare.flexmix_missing() is None:
        one = cold.first_flexmix(folder)
        table.row(one.what, number(one.cpu), number(one.wall), None)
