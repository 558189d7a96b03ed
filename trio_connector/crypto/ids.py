"""Ids: a prefix that names the kind, then random characters; 20 characters in all (crypto spec section 6)."""

from __future__ import annotations

import string

from trio_connector.crypto.entropy import Entropy

ID_LENGTH = 20
MAX_PREFIX_LENGTH = 6
_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits
_ALLOWED = frozenset(_ALPHABET)
_FAIR = 256 // len(_ALPHABET) * len(_ALPHABET)
"""From here on a byte would favour the first characters of the alphabet."""


def new_id(prefix: str, entropy: Entropy) -> str:
    """A fresh id of kind ``prefix`` (at most 6 characters; empty for local account ids)."""
    if len(prefix) > MAX_PREFIX_LENGTH:
        raise ValueError(
            f'The prefix "{prefix}" is too long. It must not be longer than {MAX_PREFIX_LENGTH} characters.'
        )
    return prefix + random_text(ID_LENGTH - len(prefix), entropy)


def random_text(length: int, entropy: Entropy) -> str:
    """``length`` characters of ``A-Z a-z 0-9``, every text equally likely."""
    text = ""
    while len(text) < length:
        drawn = entropy(length - len(text))
        text += "".join([_ALPHABET[byte % len(_ALPHABET)] for byte in drawn if byte < _FAIR])
    return text


def is_id(prefix: str, text: str) -> bool:
    """Whether ``text`` as a whole is an id of kind ``prefix``.

    Stricter than the official search, which finds an id inside a longer text; nothing valid is lost. ``ATTFD`` ids are
    ``ATT`` ids too.
    """
    return len(text) == ID_LENGTH and text.startswith(prefix) and _ALLOWED.issuperset(text)
