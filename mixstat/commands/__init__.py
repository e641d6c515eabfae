"""Models in the shell: ``mixstat fit``, ``select``, ``predict`` and ``report``."""
