"""What is shown of addresses, and the names made from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.events.senders.addresses import name_part, shown_url, url_part

LETTERS = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=12, max_size=20)


@given(user=LETTERS, password=LETTERS, token=LETTERS)
def test_user_password_and_query_are_never_shown(user: str, password: str, token: str) -> None:
    url = f"https://{user}:{password}@127.0.0.1:8443/hook?token={token}#{token}"
    assert shown_url(url) == "https://127.0.0.1:8443/hook?..."
    assert not any(secret in url_part(url) for secret in (user, password, token))


@given(text=st.text(max_size=60))
def test_showing_and_naming_work_for_any_text(text: str) -> None:
    shown_url(text)
    assert all(character.isascii() and (character.isalnum() or character in "_.-") for character in name_part(text))


def test_a_name_that_needs_no_escaping_stays() -> None:
    assert name_part("crm_2.eu-west") == "crm_2.eu-west"


@pytest.mark.parametrize(("one", "other"), [("a b", "a-b"), ("a/b", "a?b"), ("ä", "ö")])
def test_different_texts_have_different_names(one: str, other: str) -> None:
    assert name_part(one) != name_part(other)
