"""`python -m audit_core` is the command line."""

import sys

from audit_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
