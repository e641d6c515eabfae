"""Gates: how the input chooses among experts. A new gate is one file and one line here."""

from mixstat.gates.base import Gate
from mixstat.gates.softmax import SoftmaxGate

REGISTRY: dict[str, type[Gate]] = {
    "softmax": SoftmaxGate,
}

__all__ = ["REGISTRY", "Gate", "SoftmaxGate"]
