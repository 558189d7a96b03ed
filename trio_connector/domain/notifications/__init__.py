"""Notifications: what peers tell each other about attributes (consumption spec section 5). Pure.

``record.py`` has the record and its statuses, ``items.py`` what each kind of item means.
"""
