"""`python -m gpu_validate`: the command line from a checkout, where the package is not installed."""

import sys

from gpu_validate.cli import main

if __name__ == "__main__":
    sys.exit(main())
