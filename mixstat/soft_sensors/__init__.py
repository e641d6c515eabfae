"""Tools for soft sensors: lagged inputs, and what each expert does over time and why."""

from mixstat.soft_sensors.inputs import InputReport, input_report
from mixstat.soft_sensors.lags import LaggedFeatures, lag_rows
from mixstat.soft_sensors.ranges import InputRange
from mixstat.soft_sensors.shares import contributions

__all__ = [
    "InputRange", "InputReport", "LaggedFeatures", "contributions", "input_report", "lag_rows",
]  # fmt: skip
