"""LAND: what AWS, Prometheus and platform owners said, as they said it, in the raw tables.

`aws_cur`, `kubernetes` and `platforms` each land one kind of delivery; `warehouse` holds the one
safe way to land anything, `lake` the same for Spark; `tables` lists what the raw tables hold.
"""
