"""Run a small study into the store named on the command line; the test kills this process."""

import sys

from mixstat.rates.registry import find_truth
from mixstat.rates.study import RateStudy


def study() -> RateStudy:
    truth = find_truth("softmax-gaussian-mild")
    return RateStudy(truth, 2, [60, 90, 120], 6, losses=["voronoi", "hellinger"], seed=3)


if __name__ == "__main__":
    study().run(sys.argv[1], batch_size=int(sys.argv[2]), progress=False)
    print("finished")
