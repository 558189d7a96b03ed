"""What the commands do besides ``start``. Each returns or prints text; ending the process is ``cli.py``'s affair."""
