"""Expression of genes in recombinant inbred strains: browse, summarise, correlate, map.

`dataset` reads the tables, `statistics` and `mapping` compute, `board` keeps questions and answers in Redis,
`web` shows them, `worker` computes what takes time, and `serve` runs all of it.
"""

__version__ = "1.0"
