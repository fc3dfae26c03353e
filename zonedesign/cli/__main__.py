"""Run the command line as `python -m zonedesign.cli`."""

import sys

from zonedesign.cli.main import main

sys.exit(main())
