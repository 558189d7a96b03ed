"""The event log's vocabulary and who listens to it: subscribers, reactions, live streams. Start with ``bus.py``."""
