"""larix, a purely functional package manager. Importing this package costs nothing and does nothing."""

__version__ = "0.1.0"
