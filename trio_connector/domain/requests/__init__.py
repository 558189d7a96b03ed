"""Requests: records, statuses, decisions, request items, responses (consumption spec sections 1 to 3). Pure.

::

    record.py        LocalRequest, its status machine, DTOs, collection
    expiry.py        when a request is over (1.2)
    parameters.py    what a decision looks like, and whether its shape fits the request (1.4)
    key_uniqueness.py  no two attributes of one key inside one request (1.6)
    incoming.py      received, decided, completed (1.3)
    outgoing.py      created, sent, answered (1.5)
    automation.py    which configured answer fits a request (1.7, runtime spec 7.3)
    items/           one processor per kind of request item (sections 2 and 3)
"""
