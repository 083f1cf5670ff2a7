"""`python -m local_dev.cli`."""

import sys

from local_dev.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
