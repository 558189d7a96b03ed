"""The HTTP side: reading requests, one module per resource, writing answers."""
