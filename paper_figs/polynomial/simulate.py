"""Mixtures of m polynomial experts of degree k (Mendes and Jiang, arXiv 1110.2058).

Kullback-Leibler divergence of maximum likelihood on a smooth and on a rough target:
(A) against n, down to the floor of (m, k); (B) the best m at each n; (C) few complex experts
against many simple ones. The full run takes about half an hour on two cores (--workers 2).
"""

import sys
from pathlib import Path
from typing import Any

import cells
import numpy as np
import summaries

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402


def floors(quick: bool, folder: Path) -> dict[str, Any]:
    """KL of the best model of each (m, k): what no amount of data can undercut."""
    found = {}
    for cell in cells.grid(quick=quick):
        table = cells.floor_study(*cell, quick).run(folder / cells.label(*cell), progress=False)
        row = table.iloc[0]
        agreeing = int(row["starts_agreeing"])
        found[cells.label(*cell)] = {"kl": float(row["kl"]), "starts_agreeing": agreeing}
    return {"quick": quick, "cells": found}


def main() -> int:
    """Run what is asked for and compare with what is expected."""
    quick = "--quick" in sys.argv
    return laboratory.main(
        HERE,
        __doc__ or "",
        cells.studies(quick=quick),
        {"floors": floors},
        summaries.summarise,
    )


if __name__ == "__main__":
    np.seterr(under="ignore")
    sys.exit(main())
