"""Import mixstat and fit once, in this fresh process: FILE K START -> a line of JSON.

START is "labels" (one start, from the workload's labels) or "default" (what a person gets who
sets nothing). Counts the programs that JAX compiled on the way.
"""

import json
import sys

from .clocks import Stopwatch, peak_mb, timed


def main(path: str, n_experts: int, start: str) -> None:
    """Do what the module says."""
    watch = Stopwatch()
    from mixstat import MixtureOfExperts

    imported = watch.read()
    from . import workloads
    from .compiled import counted

    data = workloads.load(path)
    init = data.labels if start == "labels" else "auto"
    with counted() as compiled:
        moe, fitted = timed(
            lambda: MixtureOfExperts(n_experts, init=init, random_state=0).fit(data.X, data.y)
        )
    answer = {
        "import_cpu": imported.cpu,
        "import_wall": imported.wall,
        "fit_cpu": fitted.cpu,
        "fit_wall": fitted.wall,
        "programs": len(compiled),  # includes those found in a cache
        "backend_s": sum(compiled),
        "peak_mb": peak_mb(),
        "converged": bool(moe.converged_),
        "log_likelihood": moe.log_likelihood_,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
