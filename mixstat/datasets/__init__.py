"""Data: loaders of files that a user has, and simulators with a known truth."""

from mixstat.datasets.batch_process import make_batch_process
from mixstat.datasets.plants import load_debutanizer, load_sru
from mixstat.datasets.tent import make_tent

__all__ = ["load_debutanizer", "load_sru", "make_batch_process", "make_tent"]
