"""Print a pip constraint for each lower bound in pyproject.toml: the oldest versions allowed."""

import re
import tomllib
from pathlib import Path

BOUND = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)$")


def lowest(requirements: list[str]) -> dict[str, str]:
    """The largest lower bound of each package; requirements without one are left alone."""
    bounds: dict[str, str] = {}
    for requirement in requirements:
        if match := BOUND.match(requirement):
            name, version = match.groups()
            bounds[name] = max(bounds.get(name, version), version, key=numbers)
    return bounds


def numbers(version: str) -> tuple[int, ...]:
    """A version to compare by."""
    return tuple(int(part) for part in version.split("."))


if __name__ == "__main__":
    file = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(file.read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["formula"], *extras["rates"], *extras["test"]]
    for name, version in sorted(lowest(requirements).items()):
        print(f"{name}=={version}")
