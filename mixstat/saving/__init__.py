"""Files of fitted models: written whole, checked when they are read, and free of code."""

from mixstat.saving.models import load, save
from mixstat.saving.onnx_file import to_onnx

__all__ = ["load", "save", "to_onnx"]
