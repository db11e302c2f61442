"""`chatops plan`: what `up` would do."""

from __future__ import annotations

from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.rollouts import moved_ports
from chatops.cli.session import open_session


def plan(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Show what `up` would change, field by field. Reads only."""
    session = open_session(config, output)
    plan = session.plan()
    for said in moved_ports(plan):
        session.view.note(said)
    session.view.plan(plan, session.bill(plan))
