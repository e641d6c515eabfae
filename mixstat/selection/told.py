"""Settings as people read them."""

from mixstat.arguments import Setting

SHORT = {"n_experts": "K"}


def told_value(value: Setting) -> str:
    """A value of a setting, as it is written in a table."""
    return value if isinstance(value, str) else repr(value)


def cell(value: Setting) -> Setting:
    """The same where numbers stay numbers."""
    plain = value is None or isinstance(value, bool | int | float)
    return value if plain else told_value(value)


def label(settings: dict[str, Setting]) -> str:
    """A member in short, such as "K=2, gate=softmax"."""
    return ", ".join(f"{SHORT.get(k, k)}={told_value(v)}" for k, v in settings.items())
