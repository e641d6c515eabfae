"""Marker and data of the benchmarks."""

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that keeps benchmarks out of an ordinary run."""
    config.addinivalue_line("markers", "bench: timed against other tools; run with -m bench")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workloads are written for the timed processes."""
    return tmp_path_factory.mktemp("workloads")
