"""Run the command line as `python -m zonedesign.cli`."""

import sys

from zonedesign.cli.main import main

code = main()
# Python remembers a Ctrl-C that came while code was made, as for a dataclass, and would end with the signal
# instead of our exit code. The next code that is made lets it forget.
exec("")  # noqa: S102
sys.exit(code)
