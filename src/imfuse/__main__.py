"""`python -m imfuse` is the command `imfuse`."""

from __future__ import annotations

import sys

from imfuse.cli import main

if __name__ == "__main__":
    sys.exit(main())
