"""What modules that send events have in common: reading their options and naming subscribers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import httpx
import msgspec

from trio_connector.events.delivery import (
    BROKER_DELIVERY,
    BROKER_SCHEDULE_SECONDS,
    DEFAULT_DELIVERY,
    DEFAULT_SCHEDULE_SECONDS,
    DeliverySettings,
)
from trio_connector.events.senders.addresses import digest
from trio_connector.events.senders.signing import RECOMMENDED_BYTES, InvalidSecretError, parse_secrets
from trio_connector.modules.options import WrongOption
from trio_connector.settings import without_credentials

HIGHEST_PORT = 65535
_SAFE_TRIGGER = re.compile(r"[A-Za-z0-9_.*-]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def webhook_delivery(options: DeliverySettings | None) -> DeliverySettings:
    """The ``delivery`` of a webhook target, or the default."""
    return DEFAULT_DELIVERY if options is None else options


def broker_delivery(options: DeliverySettings | None) -> DeliverySettings:
    """The ``delivery`` of a broker, or the default of brokers.

    That a broker is away says nothing about the event: unless the operator wrote a schedule of his own, the broker is
    tried until it is back, and nothing is given up.
    """
    if options is None:
        return BROKER_DELIVERY
    if options.retry_schedule_seconds == DEFAULT_SCHEDULE_SECONDS:
        return msgspec.structs.replace(options, retry_schedule_seconds=BROKER_SCHEDULE_SECONDS, keep_trying=True)
    return options


def is_http_url(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URL."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return False
    return url.scheme in ("http", "https") and bool(url.host) and (url.port is None or url.port <= HIGHEST_PORT)


def not_a_url(text: str) -> str:
    """The official refusal of ``text`` as a URL, without the credentials that may be in it."""
    return f"'{without_credentials(text)}' is not a valid URL."


def secret_keys(secret: object, code: str, where: str) -> tuple[bytes, ...]:
    """The key bytes of a ``secret`` option. Raises WrongOption with ``code``; the text does not show the secret."""
    try:
        return parse_secrets(secret)
    except InvalidSecretError as error:
        raise WrongOption("secret", f"Invalid secret of {where}: {error}", code) from error


def weak_secrets(keys: Iterable[bytes]) -> bool:
    """Whether one of ``keys`` has not the length that Standard Webhooks recommends."""
    return any(len(key) not in RECOMMENDED_BYTES for key in keys)


def checked_headers(headers: dict[str, str], code: str, where: str) -> tuple[tuple[str, str], ...]:
    """``headers`` in their order. Raises WrongOption with ``code`` for one that HTTP does not allow."""
    for name, value in headers.items():
        # Values are not shown: they may be keys.
        if not _HEADER_NAME.fullmatch(name) or any(character in value for character in "\r\n\0"):
            raise WrongOption(f"headers.{name}", f"The header '{name}' of {where} is not allowed in HTTP.", code)
    return tuple(headers.items())


def trigger_part(trigger: str) -> str:
    """``trigger`` as a part of a subscriber's name."""
    return trigger if _SAFE_TRIGGER.fullmatch(trigger) else f"trigger-{digest(trigger)}"


class Names:
    """Gives each subscriber its name; the second of the same name gets ``~2`` and so on."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        """``name``, or with a number when it was given before."""
        self._given[name] += 1
        count = self._given[name]
        return name if count == 1 else f"{name}~{count}"
