"""One module per package, or per tight family. A module names other packages inside thunks alone."""
