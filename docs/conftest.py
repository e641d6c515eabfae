"""What builds the site, and scripts that pages show, hold no tests of their own."""

collect_ignore = ["conf.py", "guide/own_study.py", "mathml.py"]
