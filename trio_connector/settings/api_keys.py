"""The rules for API keys, and the key that is made when none is configured (connector spec 4.3, design section 6)."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from trio_connector.settings.authentication import ApiKeySettings

Entropy = Callable[[int], bytes]

_STRONG = re.compile(
    r"""(?=.*[A-Z].*[A-Z])(?=.*[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])(?=.*[0-9].*[0-9])(?=.*[a-z].*[a-z]).{30,}"""
)


def is_strong(key: str) -> bool:
    """Whether a key is long and varied enough to be used."""
    return _STRONG.fullmatch(key) is not None


def api_key_mistakes(settings: ApiKeySettings, now: datetime, *, exempt: frozenset[str] = frozenset()) -> list[str]:
    """Everything that forbids a start with these keys at ``now`` (aware); keys with ids in ``exempt`` may be weak."""
    if not settings.on:
        return []
    problems = []
    usable = {id_: key for id_, key in settings.keys.items() if key.usable(now)}
    if not usable:
        problems.append("No valid API keys found in configuration. At least one is required.")
    if len({key.key for key in settings.keys.values()}) < len(settings.keys):
        problems.append("Duplicate API keys found in configuration. Each API key must be unique.")
    weak = [id_ for id_, key in usable.items() if id_ not in exempt and not is_strong(key.key)]
    if weak:
        problems.append(
            f"The API keys with the following key(s) does not meet the requirements: {', '.join(weak)}. "
            "They must be at least 30 characters long and contain at least 2 digits, 2 uppercase letters, "
            "2 lowercase letters and 1 special character (!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~)."
        )
    return problems


class GeneratedKey(msgspec.Struct, frozen=True):
    """The made-up API key; ``path`` is what may be logged, ``key`` is not."""

    path: Path
    key: str
    created: bool

    def __repr__(self) -> str:
        return f"GeneratedKey(path={self.path!r}, created={self.created})"


def ensure_api_key(folder: Path, entropy: Entropy) -> GeneratedKey:
    """The API key kept in ``<folder>/api-key``, made there (mode 0600, folder 0700) if it does not exist yet.

    Two processes that start at once get the same key. Raises OSError when the folder cannot be used, ValueError when
    the file holds something else than a strong key.
    """
    path = folder / "api-key"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    created = not path.exists() and _create(path, _new_key(entropy))
    path.chmod(0o600)
    key = path.read_text("utf-8").strip()
    if not is_strong(key):
        raise ValueError(f"The file '{path}' does not hold a strong API key. Remove it to get a new one.")
    return GeneratedKey(path, key, created)


def _new_key(entropy: Entropy) -> str:
    while True:
        key = "ck_" + base64.urlsafe_b64encode(entropy(32)).decode("ascii").rstrip("=")
        if is_strong(key):  # 43 random characters nearly always are
            return key


def _create(path: Path, key: str) -> bool:
    """Write ``path`` completely or not at all; False when somebody else was first."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True
