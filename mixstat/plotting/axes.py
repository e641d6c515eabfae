"""Names of what is drawn on. Matplotlib is loaded when something is drawn, so its types are not."""

from typing import Any, TypeAlias

Axes: TypeAlias = Any  # a matplotlib Axes, an array of them, or None
Figure: TypeAlias = Any  # a matplotlib Figure
