"""One module for each importer; see `larix.upstream.importing` for what it offers."""
