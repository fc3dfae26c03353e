"""Run the command line as `python -m zonedesign.cli`."""

from zonedesign.cli.main import command

command()
