"""``python -m trio_connector``: the same as the command ``trio-connector``."""

from __future__ import annotations

from trio_connector.cli import main

if __name__ == "__main__":
    main()
