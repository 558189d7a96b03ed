"""An enmeshed Connector in one Trio process.

Read ``daemon.py`` first: its ``run()`` shows every long-lived task. Imports point inwards, towards the pure rooms
``crypto``, ``content`` and ``domain``; ``tests/test_architecture.py`` holds the rules.
"""

__version__ = "0.1.0"
