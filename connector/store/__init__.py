"""The cache: one SQLite file. `schema` opens it; each other module keeps one kind of row.

Everything in it can be rebuilt from the CRM but the record of past decisions; deleting it is safe.
"""
