"""One module for each checker; see `larix.lint.running` for what it offers."""
