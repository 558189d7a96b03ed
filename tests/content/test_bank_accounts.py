"""IBANs and BICs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.catalogue import CATALOGUE
from trio_connector.content.iban import is_bic, is_iban

VALID = """
AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201
AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456
BR1800360305000010009795493C1 CH9300762011623852957 CR05015202001026284066
CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243
DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002 ES9121000418450200051332
FI2112345600000785 FO6264600001631634 FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917
GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690
HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999
IS140159260076545510730339 IT60X0542811101000000123456 JO94CBJO0010000000000131000302
KW81CBKU0000000000001234560101 KZ86125KZT5004100100 LB62099900000001001901229114
LC55HEMM000100010012001200023015 LI21088100002324013AA LT121000011101001000 LU280019400644750000
LV80BANK0000435195001 MC5811222000010123456789030 MD24AG000225100013104168 ME25505000012345678951
MK07250120000058984 MR1300020001010000123456753 MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR
NL91ABNA0417164300 NO9386011117947 PK36SCBL0000001123456702 PL61109010140000071219812874
PS92PALS000000000400123456702 PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000
RS35260005601001611379 SA0380000000608010167519 SC18SSCB11010000000000001497USD SE4550000000058398257466
SI56263300012039086 SK3112000000198742637541 SM86U0322509800000000270100 SV62CENR00000000000000700025
TL380080012345678910157 TN5910006035183598478831 TR330006100519786457841326 UA213223130000026007233566001
VA59001123000012345678 VG96VPVG0000012345678901 XK051212012345678906
""".split()  # noqa: SIM905  # the numbers are read more easily than a list of literals


@pytest.mark.parametrize("iban", VALID)
def test_published_examples_are_valid(iban: str) -> None:
    assert is_iban(iban)


@pytest.mark.parametrize("iban", VALID)
def test_another_digit_makes_them_invalid(iban: str) -> None:
    last = next(index for index in range(len(iban) - 1, 3, -1) if iban[index].isdigit())
    for digit in {"0", "5", "9"} - {iban[last]}:
        assert not is_iban(iban[:last] + digit + iban[last + 1 :])


def with_check_digits(country: str, bban: str) -> str:
    number = int("".join(str(int(character, 36)) for character in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


@pytest.mark.parametrize("iban", [iban for iban in VALID if "check" in CATALOGUE["iban"]["countries"][iban[:2]]])
def test_national_check_digits_count_even_when_the_iban_itself_adds_up(iban: str) -> None:
    country, bban = iban[:2], iban[4:]
    assert with_check_digits(country, bban) == iban
    changed = [
        with_check_digits(country, bban[:index] + str((int(bban[index]) + 1) % 10) + bban[index + 1 :])
        for index in range(len(bban))
        if bban[index].isdigit()
    ]
    refused = [candidate for candidate in changed if not is_iban(candidate)]
    assert len(refused) >= len(changed) // 4
    assert refused


def test_every_country_of_the_catalogue_is_known_with_its_length() -> None:
    for country, entry in CATALOGUE["iban"]["countries"].items():
        assert is_bic(f"ABCD{country}2A")
        assert is_bic(f"abcd{country.lower()}2aXYZ")
        if entry is None:
            assert not is_iban(with_check_digits(country, "1" * 16))
        elif entry["bban"].strip("^$").startswith("[0-9]{") and "A-Z" not in entry["bban"] and "check" not in entry:
            digits = entry["length"] - 4
            assert is_iban(with_check_digits(country, "1" * digits))
            assert not is_iban(with_check_digits(country, "1" * (digits - 1)))
            assert not is_iban(with_check_digits(country, "1" * (digits + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DE",
        "DE89 3704 0044 0532 0130 00",
        "de89370400440532013000",
        "XX89370400440532013000",
        "DE8937040044053201300\u0660",
    ],
)
def test_other_texts_are_no_iban(text: str) -> None:
    assert not is_iban(text)


@pytest.mark.parametrize("text", ["", "INGDDEF", "INGDDEFFX", "INGDZZFF", "1NGDDEFF", "INGDDEFF\n", "ÄNGDDEFF"])
def test_other_texts_are_no_bic(text: str) -> None:
    assert not is_bic(text)


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert is_iban(text) in (True, False)
    assert is_bic(text) in (True, False)
