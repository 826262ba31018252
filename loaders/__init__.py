"""LAND: what AWS, Prometheus and platform owners delivered, unchanged, in the raw tables.

`aws_cur`, `kubernetes` and `platforms` each land one kind of delivery; `warehouse` has the one safe
way to land anything, `lake` the same for Spark; `tables` lists the raw tables and their columns.
"""
