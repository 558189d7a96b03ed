"""Attributes: the five kinds, forwarding, succession, deletion, queries (consumption spec section 4). Pure.

::

    record.py       the records, deletion infos, DTOs and collections
    tags.py         the Backbone's tag collection and which tags are valid (4.4)
    creation.py     owner rules, trimming, characters; new attributes of every kind (4.2, 4.3)
    forwarding.py   whom an attribute was forwarded to, and what they did with it (4.5)
    versions.py     predecessors, successors, shared versions (4.9)
    succession.py   a successor's checks and effect (4.7)
    deletion.py     full deletion, deletion infos, the end of a relationship (4.8)
    queries.py      executing queries, duplicates, "key taken" (4.6, 4.9)
"""
