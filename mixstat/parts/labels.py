"""What each parameter is: records from which names, tables and limits follow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

CONSTANT = "1"  # name of the constant feature


@dataclass(frozen=True)
class ParameterLabel:
    """One parameter of a gate or of experts."""

    part: str
    """Either "gate" or "experts"."""
    kind: str
    """What it does, by which limits are found: "expert_slope", "scale", "temperature", ..."""
    word: str
    """What its name begins with."""
    expert: int | None = None
    """Number of the expert, or of the gate's equation; None where all share it."""
    output: str = ""
    """Output, class, or pair of outputs; empty where there is one."""
    feature: str = ""
    """Feature, input, or whatever else tells it from its neighbours."""
    log: bool = False
    """Whether the value is the log of what people mean."""
    gathered: bool = False
    """Whether one table holds it for all experts; else each has a table of its own."""
    numbered: bool = True
    """Whether the number belongs to the name."""

    @property
    def name(self) -> str:
        """Unique among the parameters of a model, such as "expert0:x"."""
        return ":".join(piece for piece in (self._head, self.output, self.feature) if piece)

    @property
    def table(self) -> str:
        """Key of the table that it stands in."""
        return self.word if self.gathered else self._head

    @property
    def entry(self) -> str:
        """Its name within the table."""
        rest = [piece for piece in (self.output, self.feature) if piece]
        if not self.gathered or not self.numbered:
            return ":".join(rest)
        owner = "all experts" if self.expert is None else f"expert {self.expert}"
        return ", ".join([owner, ":".join(rest)] if rest else [owner])

    @property
    def _head(self) -> str:
        number = self.expert if self.numbered else None
        return self.word if number is None else f"{self.word}{number}"

    def of_expert(self, expert: int) -> "ParameterLabel":
        """The same parameter of another expert."""
        return replace(self, expert=expert)


def names(labels: Iterable[ParameterLabel]) -> list[str]:
    """Names of parameters."""
    return [label.name for label in labels]


def places_by_table(labels: Sequence[ParameterLabel]) -> dict[str, list[int]]:
    """Places of the parameters of each table, tables in the order of the parameters."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label.table, []).append(place)
    return places


def gate_rows(n_rows: int, features: Sequence[str]) -> list[ParameterLabel]:
    """Coefficients of a gate's equations, row after row."""
    return [
        ParameterLabel("gate", f"gate_{_role(feature)}", "gate", row, feature=feature)
        for row in range(n_rows)
        for feature in features
    ]


def expert_rows(
    n_experts: int, features: Sequence[str], outputs: Sequence[str] = ("",)
) -> list[ParameterLabel]:
    """Coefficients of experts, output after output."""
    return [
        ParameterLabel("experts", f"expert_{_role(feature)}", "expert", expert, output, feature)
        for expert in range(n_experts)
        for output in outputs
        for feature in features
    ]


def scalars(word: str, n_experts: int) -> list[ParameterLabel]:
    """A number of each expert, whose kind is its word without "log_"."""
    kind, log = word.removeprefix("log_"), word.startswith("log_")
    return [
        ParameterLabel("experts", kind, word, expert, log=log, gathered=True)
        for expert in range(n_experts)
    ]


def _role(feature: str) -> str:
    return "intercept" if feature == CONSTANT else "slope"


def expert_title(expert: object) -> str:
    """What an expert is called whom a table has by name or by number."""
    return expert if isinstance(expert, str) else f"expert {expert}"


def distinct(names: Iterable[str]) -> list[str]:
    """Names, numbered where several experts share one."""
    listed = list(names)
    seen: dict[str, int] = {}
    out: list[str] = []
    for name in listed:
        seen[name] = seen.get(name, 0) + 1
        out.append(f"{name} {seen[name]}" if listed.count(name) > 1 else name)
    return out
