"""What is wrong with a module's own keys, said so that the operator finds the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trio_connector.errors import ConnectorError

INVALID_CONFIGURATION = "error.connector.modules.invalidConfiguration"


class WrongOption(ConnectorError):
    """A key of a module's entry has a value that the module cannot work with.

    ``key`` is its path inside the entry, e.g. ``targets.shop.url``; empty for the place that a `within` around names.
    ``message`` is the reason, in the official words where there are any, and shows no secret.
    """

    def __init__(self, key: str, message: str, code: str = INVALID_CONFIGURATION) -> None:
        super().__init__(code, message)
        self.key = key


@contextmanager
def within(path: str) -> Iterator[None]:
    """Let what is wrong inside the block be wrong at ``path``: a WrongOption's key is put behind it."""
    try:
        yield
    except WrongOption as error:
        raise WrongOption(f"{path}.{error.key}".rstrip("."), error.message, error.code) from error
