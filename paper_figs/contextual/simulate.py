"""Numbers of the contextual mixture of experts: tent function, batch process, sulfur recovery.

    python paper_figs/contextual/simulate.py [--quick] [--only tent batch sru] [--out FOLDER]

writes results.json and, for plot.py, figures.pkl into FOLDER (by default "out" beside this
file), and compares the results with expected.json. The sulfur recovery data are the user's:
set MIXSTAT_DATA as mixstat.datasets.load_sru says, or leave "sru" out.
"""

import argparse
import json
import pickle
import sys
import time
import warnings
from pathlib import Path

import batch
import sru
import tent
from sklearn.exceptions import ConvergenceWarning

HERE = Path(__file__).parent
PARTS = {"tent": tent.run, "batch": batch.run, "sru": sru.run}


def main() -> int:
    """Run the parts asked for; the exit status tells whether all is as expected."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few seeds and settings")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "out")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # a status is stored with each fit
    asked.out.mkdir(parents=True, exist_ok=True)
    results = _stored(asked.out / "results.json", json.loads)
    figures = _stored(asked.out / "figures.pkl", pickle.loads)
    for name in asked.only:
        begin = time.perf_counter()
        results[name], figures[name] = PARTS[name](quick=asked.quick)
        results[name] |= {"quick": asked.quick, "seconds": round(time.perf_counter() - begin, 1)}
        (asked.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        (asked.out / "figures.pkl").write_bytes(pickle.dumps(figures))
    failures = check({name: results[name] for name in asked.only})
    print("\n".join(failures) or "all as expected")
    return len(failures) > 0


def _stored(path: Path, read) -> dict:
    """What an earlier run of other parts left."""
    return read(path.read_bytes()) if path.exists() else {}


def check(results: dict) -> list[str]:
    """What is not as expected.json says; quick runs are held to shares, not to counts."""
    wanted = json.loads((HERE / "expected.json").read_text())
    failures = []
    for part, table in results.items():
        for name, (relation, bound) in wanted[part].items():
            value = table[name]
            if not (value >= bound if relation == "at least" else value <= bound):
                failures.append(f"{part}: {name} is {value}, wanted {relation} {bound}")
    return failures


if __name__ == "__main__":
    sys.exit(main())
