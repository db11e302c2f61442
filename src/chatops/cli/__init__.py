"""The command line: one file per command, `session` puts the parts together, `main` turns errors into exit codes."""
