"""The random password of a device (transport spec section 6)."""

from __future__ import annotations

from trio_connector.crypto.entropy import Entropy, choose, shuffled, uniform

_SPECIAL = "!?-_.:,;#+"
_LOWER = "abcdefghijkmnpqrstuvwxyz"
_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "123456789"

DEVICE_PASSWORD_LENGTHS = (45, 50)


def strong_password(shortest: int, longest: int, entropy: Entropy) -> str:
    """``shortest`` to ``longest`` (at least 8) characters, among them a special one, a small, a capital and a digit."""
    if not 8 <= shortest <= longest:
        raise ValueError("a strong password has at least 8 characters")
    groups = (_SPECIAL, _LOWER, _UPPER, _DIGITS)
    everything = "".join(groups)
    length = shortest + uniform(longest - shortest + 1, entropy)
    characters = [choose(group, entropy) for group in groups]
    characters += [choose(everything, entropy) for _ in range(length - len(characters))]
    return "".join(shuffled(characters, entropy))


def device_password(entropy: Entropy) -> str:
    """A password for a device: 45 to 50 characters."""
    return strong_password(*DEVICE_PASSWORD_LENGTHS, entropy)
