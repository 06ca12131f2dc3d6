"""The store of a daemon, larix's own, Nix's or Guix's, for what stands above the store.

Layer: above `protocol`, beside `store`: commands choose one of them. What it must not do: read the database,
or write into the store directory; reading items that it can see is fine, as they never change.
"""
