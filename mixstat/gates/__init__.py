"""Gates: how the input chooses among experts. A new gate is one file and one line here."""

from mixstat.gates.base import Gate
from mixstat.gates.gaussian import GaussianGate
from mixstat.gates.hierarchical import HierarchicalGate
from mixstat.gates.modified import ModifiedSoftmaxGate
from mixstat.gates.shared_expert import SharedExpertGate
from mixstat.gates.sigmoid import SigmoidGate
from mixstat.gates.softmax import SoftmaxGate
from mixstat.gates.sparse import TopKGate, TopPGate
from mixstat.gates.temperature import TemperatureGate

REGISTRY: dict[str, Gate] = {
    "softmax": SoftmaxGate(),
    "modified": ModifiedSoftmaxGate(),
    "temperature": TemperatureGate(),
    "activation": TemperatureGate(activation="tanh"),
    "sigmoid": SigmoidGate(),
    "top_k": TopKGate(),
    "top_p": TopPGate(),
    "gaussian": GaussianGate(),
    "hierarchical": HierarchicalGate(),
    "shared_expert": SharedExpertGate(),
}

__all__ = [
    "REGISTRY",
    "Gate",
    "GaussianGate",
    "HierarchicalGate",
    "ModifiedSoftmaxGate",
    "SharedExpertGate",
    "SigmoidGate",
    "SoftmaxGate",
    "TemperatureGate",
    "TopKGate",
    "TopPGate",
]
