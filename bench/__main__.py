"""``python -m bench``: what ``mpsolve bench`` does."""

import sys

from mpsolve.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench"]
    sys.exit(main())
