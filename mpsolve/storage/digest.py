"""Fingerprints of contents."""

from __future__ import annotations

from hashlib import sha256


def digest(*parts: str | bytes) -> str:
    """The SHA-256 of texts (in UTF-8) and bytes one after another, in hexadecimal."""
    whole = sha256()
    for part in parts:
        whole.update(part.encode() if isinstance(part, str) else part)
    return whole.hexdigest()
