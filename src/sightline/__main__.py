"""``python -m sightline``: the command line."""

import sys

from sightline.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
