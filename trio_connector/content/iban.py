"""IBAN and BIC of a BankAccount (content spec 4.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_STRUCTURES = {
    "8n 12c": "AD",
    "19n": "AE IL SO TL",
    "8n 16c": "AL CY",
    "21n": "AO CV LY MZ PT ST",
    "16n": "AT BA EE LT MN XK",
    "14n": "AX DK FI FO GL SD",
    "4a 20c": "AZ",
    "12n": "BE",
    "2c 22n": "BF BJ ML",
    "4a 6n 8c": "BG",
    "4a 14c": "BH",
    "23n": "BI CF CG CM DJ GA GQ KM MG MR TD",
    "10n 11c 2n": "BL FR GF GP MC MF MQ NC PF PM RE TF WF YT",
    "23n 1a 1c": "BR",
    "4a 4n 16c": "BY",
    "5n 12c": "CH LI",
    "1a 23n": "CI",
    "18n": "CR DE ME RS VA",
    "20n": "CZ ES SE SK TN",
    "4a 20n": "DO HN NI SV",
    "22n": "DZ IR IS",
    "25n": "EG",
    "2a 12n": "FK",
    "4a 14n": "GB",
    "2c 16n": "GE",
    "4a 15c": "GI",
    "7n 16c": "GR",
    "24c": "GT",
    "2a 19n": "GW",
    "17n": "HR",
    "24n": "HU MA PL",
    "4c 14n": "IE",
    "4a 15n": "IQ",
    "1a 10n 12c": "IT SM",
    "4a 4n 18c": "JO YE",
    "4a 22c": "KW",
    "3n 13c": "KZ LU",
    "4n 20c": "LB",
    "4a 24c": "LC",
    "4a 13c": "LV",
    "2c 18c": "MD",
    "3n 10c 2n": "MK",
    "4a 5n 18c": "MT",
    "4a 19n 3a": "MU",
    "2a 22n": "NE SN TG",
    "4a 10n": "NL",
    "11n": "NO",
    "3n 16c": "OM",
    "4c 16n": "PK VG",
    "4c 21n": "PS",
    "4a 21c": "QA",
    "4a 16c": "RO",
    "14n 15c": "RU",
    "2n 18c": "SA",
    "4a 20n 3a": "SC",
    "15n": "SI",
    "5n 17c": "TR",
    "6n 19c": "UA",
}
"""The national part (BBAN): counts of digits (n), capitals (a) and both (c); the countries that have it."""

_WITHOUT_IBAN_TEXT = """
    AF AG AI AM AQ AR AS AU AW BB BD BM BN BO BQ BS BT BV BW BZ CA CC CD CK CL CN CO CU CW CX DM EC EH ER ET FJ FM
    GD GG GH GM GN GS GU GY HK HM HT ID IM IN IO JE JM JP KE KG KH KI KN KP KR KY LA LK LR LS MH MM MO MP MS MV MW
    MX MY NA NF NG NP NR NU NZ PA PE PG PH PN PR PW PY RW SB SG SH SJ SL SR SS SX SY SZ TC TH TJ TK TM TO TT TV TW
    TZ UG UM US UY UZ VC VE VI VN VU WS ZA ZM ZW
"""
_WITHOUT_IBAN = frozenset(_WITHOUT_IBAN_TEXT.split())
"""Countries that a BIC may name, though they have no IBAN."""

_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_BIC = re.compile(r"[a-zA-Z]{6}[a-zA-Z0-9]{2}([a-zA-Z0-9]{3})?", re.ASCII)
_FRENCH_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")


def is_iban(text: str) -> bool:
    """Whether ``text`` is a valid IBAN, written without blanks and in capitals."""
    country, check_digits, bban = text[:2], text[2:4], text[4:]
    structure = _BBANS.get(country)
    if structure is None or structure.fullmatch(bban) is None or re.fullmatch("[0-9]{2}", check_digits) is None:
        return False
    national_check = _CHECKS.get(country)
    if national_check is not None and not national_check(bban):
        return False
    return 98 - _mod_97(f"{bban}{country}00") == int(check_digits)


def is_bic(text: str) -> bool:
    """Whether ``text`` is a valid BIC of a known country."""
    country = text[4:6].upper()
    return _BIC.fullmatch(text) is not None and (country in _BBANS or country in _WITHOUT_IBAN)


def _mod_97(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % 97


def _weighted(digits: str, weights: Sequence[int], modulus: int) -> int:
    return sum(int(digit) * weights[index % len(weights)] for index, digit in enumerate(digits)) % modulus


def _complement(remainder: int, modulus: int) -> int:
    return 0 if remainder == 0 else modulus - remainder


def _mod_97_10(bban: str) -> bool:
    """ISO 7064 mod 97-10, in the library's chunks: six characters at a time, of which it reads the leading digits."""
    rest = bban
    while len(rest) > 2:
        digits = re.match("[0-9]+", rest[:6])
        if digits is None:
            return False
        rest = f"{int(digits[0]) % 97}{rest[6:]}"
    digits = re.match("[0-9]+", rest)
    return digits is not None and int(digits[0]) % 97 == 1


def _belgian(bban: str) -> bool:
    return (int(bban[:-2]) % 97 or 97) == int(bban[-2:])


def _norwegian(bban: str) -> bool:
    return _complement(_weighted(bban[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11), 11) == int(bban[10])


def _polish(bban: str) -> bool:
    return _complement(_weighted(bban[:7], (3, 9, 7, 1, 3, 9, 7), 10), 10) == int(bban[7])


def _estonian(bban: str) -> bool:
    return _complement(_weighted(bban[2:15], (7, 1, 3), 10), 10) == int(bban[15])


def _mod_11_digit(digits: str, weights: Sequence[int]) -> int:
    remainder = _weighted(digits, weights, 11)
    return remainder if remainder < 2 else 11 - remainder


def _spanish(bban: str) -> bool:
    return _mod_11_digit(bban[:8], (4, 8, 5, 10, 9, 7, 3, 6)) == int(bban[8]) and _mod_11_digit(
        bban[10:], (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
    ) == int(bban[9])


def _czech(bban: str) -> bool:
    return _mod_11_digit(bban[4:9], (10, 5, 8, 4, 2)) == int(bban[9]) and _mod_11_digit(
        bban[10:19], (6, 3, 7, 9, 10, 5, 8, 4, 2)
    ) == int(bban[19])


def _croatian(bban: str) -> bool:
    return _mod_11_10(bban[:6]) == int(bban[6]) and _mod_11_10(bban[7:16]) == int(bban[16])


def _mod_11_10(digits: str) -> int:
    """The check digit of ISO 7064 mod 11,10."""
    state = 10
    for digit in digits:
        state += int(digit)
        state = (state % 10 or state) * 2 % 11
    return 0 if 11 - state == 10 else 11 - state


def _hungarian(bban: str) -> bool:
    weights = (9, 7, 3, 1)
    if _complement(_weighted(bban[:7], weights, 10), 10) != int(bban[7]):
        return False
    account, check = (bban[8:15], bban[15]) if bban.endswith("00000000") else (bban[8:23], bban[23])
    return _complement(_weighted(account, weights, 10), 10) == int(check)


def _french(bban: str) -> bool:
    return int(bban.translate(_FRENCH_DIGITS)) % 97 == 0


_BBANS: dict[str, re.Pattern[str]] = {
    country: re.compile("".join(f"{_CLASSES[part[-1]]}{{{part[:-1]}}}" for part in structure.split()))
    for structure, countries in _STRUCTURES.items()
    for country in countries.split()
}

_CHECKS: dict[str, Callable[[str], bool]] = {
    country: check
    for check, countries in {
        _mod_97_10: "BA ME MK PT RS SI",
        _belgian: "BE",
        _czech: "CZ SK",
        _estonian: "EE",
        _spanish: "ES",
        _french: "FR MC",
        _croatian: "HR",
        _hungarian: "HU",
        _norwegian: "NO",
        _polish: "PL",
    }.items()
    for country in countries.split()
}
