"""Make store items valid: isolated builds, downloads, and the scheduler that orders them.

Layer: above `store`, beside nothing; it knows derivations as values and the store as files. It must not know
packages, profiles or the command line: progress goes out as events, failures as typed errors.

This file stays empty of imports: the launcher of builds is a second interpreter that must start quickly.
"""
