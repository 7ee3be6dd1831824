"""The only code that knows the vendor: its paths, its names, its habits (facts: HUBSPOT.md).

`transport` sends, `objects` reads and updates records, `engagement` gives what people did, `account` reads
the schema and makes our properties. What comes out are the nouns of `connector.model`.
"""
