"""Scripts for shells, which ask larix what to offer; see `larix.cli.completing`."""
