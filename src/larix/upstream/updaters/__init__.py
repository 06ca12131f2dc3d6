"""One module for each updater; see `larix.upstream.updating` for what it offers."""
