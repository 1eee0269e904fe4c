"""Fingerprints of contents."""

from __future__ import annotations

from mpsolve.storage.digest import digest


def test_the_digest_is_sha_256() -> None:
    """Of the parts one after another: the example of FIPS 180-4."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("abc") == digest("a", b"bc") == expected


def test_texts_are_utf_8() -> None:
    """Not what the system takes for usual."""
    assert digest("µ") == digest(b"\xc2\xb5")
