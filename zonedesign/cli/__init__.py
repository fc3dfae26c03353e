"""The command line: `zonedesign VERB ...`.

Exit codes: 0 done; 1 a rule is broken or a unit missing (`verify`); 2 usage or bad input; 3 proved
infeasible; 4 stopped without a plan. At 2, 3 and 4 the last line of standard error is `error: ...`.
"""

from zonedesign.cli.main import command, main

__all__ = ["command", "main"]
