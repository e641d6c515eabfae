"""Scripts that pages show are run by tests of their own, not where tests are looked for."""

collect_ignore = ["guide/own_study.py"]
