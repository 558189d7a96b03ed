"""The HTTP API: routes, pipeline, authentication, documentation pages, live stream, metrics. Start with ``app.py``."""
