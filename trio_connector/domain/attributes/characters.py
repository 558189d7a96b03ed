"""The characters that attribute values may contain: the normative letters of DIN 91379 (consumption spec 4.3). Pure.

Code points count as they are given: nothing is normalised. Greek, Cyrillic, CJK and emoji are refused.
"""

from __future__ import annotations

import re

_SINGLE = (
    r"\u0009-\u000A\u000D -~\u00A0-\u00AC\u00AE-\u017E\u0187-\u0188\u018F\u0197\u01A0-\u01A1\u01AF-\u01B0"
    r"\u01B7\u01CD-\u01DC\u01DE-\u01DF\u01E2-\u01F0\u01F4-\u01F5\u01F8-\u01FF\u0212-\u0213\u0218-\u021B"
    r"\u021E-\u021F\u0227-\u0233\u0259\u0268\u0292\u02B9-\u02BA\u02BE-\u02BF\u02C8\u02CC\u1E02-\u1E03"
    r"\u1E06-\u1E07\u1E0A-\u1E11\u1E17\u1E1C-\u1E2B\u1E2F-\u1E37\u1E3A-\u1E3B\u1E40-\u1E49\u1E52-\u1E5B"
    r"\u1E5E-\u1E63\u1E6A-\u1E6F\u1E80-\u1E87\u1E8C-\u1E97\u1E9E\u1EA0-\u1EF9\u2019\u2021\u20AC"
)
_WITH_MARKS = (
    r"A\u030B|C(?:\u0300|\u0304|\u0306|\u0308|\u0315|\u0323|\u0326|\u0328\u0306)|D\u0302|F(?:\u0300|\u0304)|"
    r"G\u0300|H(?:\u0304|\u0326|\u0331)|J(?:\u0301|\u030C)|"
    r"K(?:\u0300|\u0302|\u0304|\u0307|\u0315|\u031B|\u0326|\u035FH|\u035Fh)|"
    r"L(?:\u0302|\u0325|\u0325\u0304|\u0326)|M(?:\u0300|\u0302|\u0306|\u0310)|N(?:\u0302|\u0304|\u0306|\u0326)|"
    r"P(?:\u0300|\u0304|\u0315|\u0323)|R(?:\u0306|\u0325|\u0325\u0304)|S(?:\u0300|\u0304|\u031B\u0304|\u0331)|"
    r"T(?:\u0300|\u0304|\u0308|\u0315|\u031B)|U\u0307|Z(?:\u0300|\u0304|\u0306|\u0308|\u0327)|a\u030B|"
    r"c(?:\u0300|\u0304|\u0306|\u0308|\u0315|\u0323|\u0326|\u0328\u0306)|d\u0302|f(?:\u0300|\u0304)|g\u0300|"
    r"h(?:\u0304|\u0326)|j\u0301|k(?:\u0300|\u0302|\u0304|\u0307|\u0315|\u031B|\u0326|\u035Fh)|"
    r"l(?:\u0302|\u0325|\u0325\u0304|\u0326)|m(?:\u0300|\u0302|\u0306|\u0310)|n(?:\u0302|\u0304|\u0306|\u0326)|"
    r"p(?:\u0300|\u0304|\u0315|\u0323)|r(?:\u0306|\u0325|\u0325\u0304)|s(?:\u0300|\u0304|\u031B\u0304|\u0331)|"
    r"t(?:\u0300|\u0304|\u0315|\u031B)|u\u0307|z(?:\u0300|\u0304|\u0306|\u0308|\u0327)|\u00C7\u0306|"
    r"\u00DB\u0304|\u00E7\u0306|\u00FB\u0304|\u00FF\u0301|\u010C(?:\u0315|\u0323)|\u010D(?:\u0315|\u0323)|"
    r"\u0113\u030D|\u012A\u0301|\u012B\u0301|\u014D\u030D|\u017D(?:\u0326|\u0327)|\u017E(?:\u0326|\u0327)|"
    r"\u1E32\u0304|\u1E33\u0304|\u1E62\u0304|\u1E63\u0304|\u1E6C\u0304|\u1E6D\u0304|\u1EA0\u0308|"
    r"\u1EA1\u0308|\u1ECC\u0308|\u1ECD\u0308|\u1EE4(?:\u0304|\u0308)|\u1EE5(?:\u0304|\u0308)"
)
_ALLOWED = re.compile(f"(?:[{_SINGLE}]|{_WITH_MARKS})*")


def has_allowed_characters(text: str) -> bool:
    """Whether ``text`` as a whole consists of allowed letters; tabs and line breaks are fine."""
    return _ALLOWED.fullmatch(text) is not None
