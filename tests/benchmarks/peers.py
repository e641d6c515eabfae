"""What other tools took on the same workloads from the same labels, as measured once.

CPU seconds of one core (2.6 GHz server, AVX-512, shared with other jobs), fit alone; flexmix and
meteorits in R 4.2.2 with OpenBLAS on one thread, with a relative change of 1e-8 in
log-likelihood as their rule. The NumPy EM was timed on the same machine with the same rule, so
its figure tells how a machine of today compares.
"""

from typing import NamedTuple


class Recorded(NamedTuple):
    """The fastest tool that fits the model, and the NumPy EM beside it."""

    tool: str
    cpu: float
    numpy: float | None
    note: str = ""


FASTEST = {
    "W1": Recorded("flexmix 2.3-18", 0.18, 0.0059),
    "W2": Recorded("meteorits 0.1.1", 1.68, 0.132),
    "W3": Recorded("flexmix 2.3-18", 84.0, 1.35),
    "W4": Recorded("meteorits 0.1.1", 25.3, 4.05),
    "W5": Recorded("MoEClust 1.5.2", 52.0, 24.1, "one iteration; no tool ended within 8 minutes"),
    "W6": Recorded("flexmix 2.3-18", 12.2, 0.259),
}
