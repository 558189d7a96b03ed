"""One processor per kind of request item (consumption spec sections 2 and 3). Pure.

Checks answer an error or None; what they *raise* is reported as an unexpected error of that item (1.4 step 8).
``registry.processor_for`` finds the processor of an item.
"""
