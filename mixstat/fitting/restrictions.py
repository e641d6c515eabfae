"""What people hold or tie in a model, as they say it: equations, common columns, frozen experts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.fitting.inequalities import check_signs, is_inequality
from mixstat.inference.linear import Constraints, read_constraints
from mixstat.parts.labels import ParameterLabel

EQUATIONS = (
    "equations between names of parameters, such as 'expert0:x = expert1:x', or inequalities, such "
    "as 'expert0:x >= 0'"
)
COEF = "coef"  # what coefficients of a frozen expert are called


@dataclass(frozen=True, eq=False)
class Restrictions:
    """Restrictions on the reported parameters, before the names of these are known."""

    equations: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    """Of parameters that are held, by name."""
    common: tuple[str, ...] = ()
    """Features, or kinds of parameters, that have one coefficient in all experts."""
    frozen: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)
    """Values of experts, by their number and by what they are values of."""
    inequalities: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self.inequalities or self.ties)

    @property
    def ties(self) -> bool:
        """Whether there are equations."""
        return bool(self.equations or self.values or self.common or self.frozen)

    @property
    def bounds_coefficients(self) -> bool:
        """Whether inequalities are of coefficients, which stand alone where features do."""
        return any(name in text for text in self.inequalities for name in ("expert", "gate"))

    def describe(self) -> list[str]:
        """Each restriction in words."""
        return [*self.held(), *self.inequalities]

    def held(self) -> list[str]:
        """Each equation in words."""
        values = [f"{name} = {value:g}" for name, value in self.values.items()]
        common = [f"{name} common to all experts" for name in self.common]
        frozen = [f"{', '.join(values)} of expert {k}" for k, values in self.frozen.items()]
        return [*self.equations, *values, *common, *frozen]

    def rows(self, labels: Sequence[ParameterLabel]) -> Constraints:
        """All of them as linear equations between parameters."""
        names = [label.name for label in labels]
        parts = [_held(self.values, names), self._common(labels), self._frozen(labels)]
        if self.equations:
            parts.append(read_constraints(list(self.equations), names, argument="constraints"))
        matrices, values, words = zip(*parts, strict=True)
        return Constraints(np.vstack(matrices), np.concatenate(values), tuple(sum(words, ())))

    def _common(self, labels: Sequence[ParameterLabel]) -> Constraints:
        """One equation for each expert but the first."""
        rows, words = [np.zeros((0, len(labels)))], []
        for name in self.common:
            same: dict[tuple[str, str, str], list[int]] = {}
            for place, label in enumerate(labels):
                if name == _called(label) and label.expert is not None:
                    same.setdefault((label.kind, label.output, label.feature), []).append(place)
            if not same:
                raise ValueError(
                    f"common must name features of the experts, or a kind of their parameters, "
                    f"among {', '.join(_all_called(labels))}; got {name!r}."
                )
            for first, *others in same.values():
                eye = np.eye(len(labels))
                rows += [eye[[other]] - eye[[first]] for other in others]
                words += [f"{labels[other].name} = {labels[first].name}" for other in others]
        matrix = np.vstack(rows)
        return Constraints(matrix, np.zeros(len(matrix)), tuple(words))

    def _frozen(self, labels: Sequence[ParameterLabel]) -> Constraints:
        """One equation for each parameter whose value is given."""
        held: dict[str, float] = {}
        for expert, values in self.frozen.items():
            own = [label for label in labels if label.part == "experts" and label.expert == expert]
            for word, value in values.items():
                held |= _frozen_values(expert, word, value, own)
        return _held(held, [label.name for label in labels], argument="frozen")


def _called(label: ParameterLabel) -> str:
    """What a parameter of an expert is common by: its feature, or its kind."""
    if label.part != "experts":
        return ""
    return label.feature if label.kind.startswith("expert_") else label.kind


def _all_called(labels: Sequence[ParameterLabel]) -> list[str]:
    found = [_called(one) for one in labels if one.expert is not None and _called(one)]
    return list(dict.fromkeys(found))


def _frozen_values(
    expert: int, word: str, value: np.ndarray, own: Sequence[ParameterLabel]
) -> dict[str, float]:
    """Reported parameters of a frozen expert, by name; logs of what people mean as logs."""

    def is_meant(label: ParameterLabel) -> bool:
        is_coefficient = label.kind.startswith("expert_")
        return is_coefficient if word == COEF else label.kind == word and not is_coefficient

    meant = [label for label in own if is_meant(label)]
    if not meant:
        kinds = [COEF, *(one.kind for one in own if not one.kind.startswith("expert_"))]
        raise ValueError(
            f"frozen[{expert}] must name what the expert has of its own: "
            f"{', '.join(dict.fromkeys(kinds))}; got {word!r}."
        )
    if value.size != len(meant):
        features = [":".join(filter(None, (one.output, one.feature))) or word for one in meant]
        raise ValueError(
            f"frozen[{expert}][{word!r}] must have {len(meant)} values, of "
            f"{', '.join(features)}; got {value.size}."
        )
    out = {}
    for label, one in zip(meant, value.ravel(), strict=True):
        if label.log and not one > 0:
            raise ValueError(f"frozen[{expert}][{word!r}] must be positive, got {one:g}.")
        out[label.name] = float(np.log(one)) if label.log else float(one)
    return out


def _held(
    values: Mapping[str, float], names: Sequence[str], argument: str = "constraints"
) -> Constraints:
    """Equations that hold parameters at values."""
    for name in values:
        if name not in names:
            raise ValueError(
                f"{argument} must name parameters, got {name!r}; there are {', '.join(names)}."
            )
    matrix = np.eye(len(names))[[list(names).index(name) for name in values]]
    words = tuple(f"{name} = {value:g}" for name, value in values.items())
    return Constraints(
        matrix.reshape(-1, len(names)), np.array(list(values.values()), float), words
    )


def read_restrictions(
    constraints: Setting, common: Setting, frozen: Setting, n_experts: int
) -> Restrictions:
    """Restrictions as an estimator has them, checked as far as they can be before a fit."""
    texts, values = _read_constraints(constraints)
    bounds = tuple(text for text in texts if is_inequality(text))
    equations = tuple(text for text in texts if text not in bounds)
    check_signs(bounds)
    known = _read_frozen(frozen, n_experts)
    return Restrictions(equations, values, _read_common(common), known, bounds)


def _read_constraints(constraints: Setting) -> tuple[tuple[str, ...], dict[str, float]]:
    if constraints is None:
        return (), {}
    if isinstance(constraints, Mapping):
        return (), {
            str(name): _number(f"constraints[{name!r}]", one) for name, one in constraints.items()
        }
    texts = [constraints] if isinstance(constraints, str) else constraints
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        raise ValueError(
            f"constraints must be {EQUATIONS}, a list of them, or a dict of values by name; got "
            f"{constraints!r}."
        )
    return tuple(texts), {}


def _read_common(common: Setting) -> tuple[str, ...]:
    if common is None:
        return ()
    names = [common] if isinstance(common, str) else common
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
        raise ValueError(
            "common must be names of features of the experts, or kinds of their parameters such "
            f"as 'scale'; got {common!r}."
        )
    return tuple(names)


def _read_frozen(frozen: Setting, n_experts: int) -> dict[int, dict[str, np.ndarray]]:
    if frozen is None:
        return {}
    if not isinstance(frozen, Mapping):
        raise ValueError(
            "frozen must be a dict of experts by their number, such as "
            f"{{0: {{'coef': [1.0, 2.0], 'scale': 0.5}}}}; got {frozen!r}."
        )
    out: dict[int, dict[str, np.ndarray]] = {}
    for key, values in frozen.items():
        is_number = isinstance(key, int | np.integer) and not isinstance(key, bool)
        if not is_number or not 0 <= int(key) < n_experts:  # type: ignore[arg-type]
            raise ValueError(
                f"frozen must have numbers of experts from 0 to {n_experts - 1} as its keys, got "
                f"{key!r}."
            )
        if not isinstance(values, Mapping):
            raise ValueError(
                f"frozen[{key}] must be a dict of values, such as {{'coef': [1.0, 2.0]}}; got "
                f"{values!r}."
            )
        out[int(key)] = {
            str(word): _numbers(f"frozen[{key}][{word!r}]", value) for word, value in values.items()
        }
    return out


def _numbers(name: str, value: Setting) -> Float[np.ndarray, "..."]:
    try:
        table = np.asarray(value, float)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        table = np.full(1, np.nan)
    if table.size == 0 or not np.isfinite(table).all():
        raise ValueError(f"{name} must hold finite numbers, got {value!r}.")
    return table


def _number(name: str, value: Setting) -> float:
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        raise ValueError(f"{name} must be a finite number, got {value!r}.")
    if not np.isfinite(float(value)):
        raise ValueError(f"{name} must be a finite number, got {value!r}.")
    return float(value)
