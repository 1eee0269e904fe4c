"""``python -m mpsolve``."""

import sys

from mpsolve.cli import main

if __name__ == "__main__":
    sys.exit(main())
