"""Benchmarks against other implementations and against the machine; see README.md."""
