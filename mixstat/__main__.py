"""The command as ``python -m mixstat``."""

import sys

from mixstat.cli import main

if __name__ == "__main__":
    sys.exit(main())
