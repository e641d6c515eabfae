"""Settings of parts, as scikit-learn asks for them and changes them."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

SomeRecord = TypeVar("SomeRecord", bound="Tunable")


class Tunable:
    """A frozen record whose fields are settings that people state.

    scikit-learn clones it by them, and searches over them where it is a parameter of an
    estimator: ``gate__k`` is the setting ``k`` of the gate.
    """

    def _settings(self) -> dict[str, object]:
        """Names and values of the settings."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init}  # type: ignore[arg-type]

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Settings by their names.

        Parameters
        ----------
        deep : bool, default=True
            Whether settings of what is inside are listed too, such as ``expert__df`` of
            ``Censored(...)``.

        Returns
        -------
        dict
            Settings.
        """
        settings = self._settings()
        inner: dict[str, object] = {}
        for name, value in settings.items() if deep else ():
            inner |= inner_settings(name, value)
        return settings | inner

    def set_params(self: SomeRecord, **settings: Any) -> SomeRecord:
        """The same part with other settings; this one stays as it is.

        Parameters
        ----------
        **settings
            New values by name; ``expert__df`` is a setting of what is inside.

        Returns
        -------
        object
            A new part.

        Raises
        ------
        ValueError
            If there is no such setting.
        """
        whole, inner = split(settings)
        known = self._settings()
        for name in (*whole, *inner):
            if name not in known:
                told = f"the settings {', '.join(known)}" if known else "no settings"
                raise ValueError(f"{type(self).__name__} has {told}; got {name!r}.")
        for name, of_inner in inner.items():
            whole[name] = changed(name, whole.get(name, known[name]), of_inner)
        return replace(self, **whole) if whole else self  # type: ignore[type-var]


def split(
    settings: Mapping[str, object],
) -> tuple[dict[str, object], dict[str, dict[str, object]]]:
    """Settings of a whole, and those of what is inside by the name of the outer one."""
    whole: dict[str, object] = {}
    inner: dict[str, dict[str, object]] = {}
    for key, value in settings.items():
        name, _, rest = key.partition("__")
        if rest:
            inner.setdefault(name, {})[rest] = value
        else:
            whole[key] = value
    return whole, inner


def inner_settings(name: str, value: object) -> dict[str, object]:
    """Settings of a part, or of each part in a list, as ``gate__k`` or ``expert__0__df``."""
    if isinstance(value, list | tuple):
        members = [inner_settings(f"{name}__{i}", one) for i, one in enumerate(value)]
        return {key: one for found in members for key, one in found.items()}
    if not isinstance(value, Tunable):
        return {}
    return {f"{name}__{key}": one for key, one in value.get_params().items()}


def changed(
    argument: str,
    value: object,
    settings: Mapping[str, object],
    registry: Mapping[str, Tunable] | None = None,
) -> object:
    """What ``value`` becomes with other settings inside.

    Parameters
    ----------
    argument
        Whose value it is.
    value
        A part, its name in ``registry``, or a list of these; of a list, settings are named by
        the number of the part (or its ``name``), as in ``contexts__0__alpha``.
    settings
        New values by name.
    registry
        Parts that have names.

    Raises
    ------
    ValueError
        If it is none of these, or has no such setting.
    """
    if isinstance(value, list | tuple):
        parts, (_, inner) = list(value), split(settings)
        for key in [one for one in settings if "__" not in one]:
            raise ValueError(f"{argument}__{key} must name a setting of one of the list's parts.")
        for key, of_one in inner.items():
            place = _place(argument, parts, key)
            parts[place] = changed(f"{argument}__{key}", parts[place], of_one, registry)
        return type(value)(parts)
    part = (registry or {}).get(value, value) if isinstance(value, str) else value
    if isinstance(part, Tunable):
        return part.set_params(**settings)
    raise ValueError(
        f"{argument}__{next(iter(settings))} must be a setting of a part, and {argument} is "
        f"{value!r}: state an object of settings, or one of the names that stand for one."
    )


def _place(argument: str, parts: list[Any], key: str) -> int:
    """Where a part of a list stands, by its number or its name."""
    names = [getattr(one, "name", None) for one in parts]
    if key in names:
        return names.index(key)
    if not key.isdecimal() or int(key) >= len(parts):
        told = [repr(one) for one in names if one is not None]
        beside = f", or one of {', '.join(told)}" if told else ""
        raise ValueError(
            f"{argument}__{key} must name a part of {argument} by a number from 0 to "
            f"{len(parts) - 1}{beside}."
        )
    return int(key)
