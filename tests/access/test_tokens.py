"""The text of a key."""

from __future__ import annotations

import re

import pytest

from core.access import tokens

SHAPE = re.compile(r"nxs_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")


def test_a_new_key_has_the_shape_of_one_and_is_read_back():
    token = tokens.generate()
    assert SHAPE.fullmatch(str(token))
    assert tokens.parse(str(token)) == token


def test_no_two_are_alike():
    assert len({str(tokens.generate()) for _ in range(100)}) == 100


@pytest.mark.parametrize("place", [4, 16, 17, 40, 59, 60, 65])
def test_a_mistyped_figure_is_noticed(place):
    text = str(tokens.generate())
    wrong = "x" if text[place] != "x" else "y"
    assert tokens.parse(text[:place] + wrong + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "nxs_", "nxs_" + "é" * 62, "\0", "x" * 100_000])
def test_what_is_no_key_is_none(text):
    assert tokens.parse(text) is None


def test_the_secret_does_not_show_when_a_token_is_printed():
    token = tokens.generate()
    assert token.secret not in repr(token)


def test_the_digest_depends_on_secret_id_and_pepper(settings):
    settings.KEY_PEPPERS = {2: b"two" * 11, 1: b"one" * 11}
    token = tokens.generate()
    others = [tokens.generate(token.key_id), tokens.Token(tokens.generate().key_id, token.secret)]
    digests = {tokens.digest(each, 2) for each in (token, *others)} | {tokens.digest(token, 1)}
    assert len(digests) == 4
    assert tokens.pepper_in_use() == 2


def test_under_a_pepper_that_is_gone_nothing_matches():
    token = tokens.generate()
    assert tokens.digest(token, 99) != tokens.digest(token, 99)
