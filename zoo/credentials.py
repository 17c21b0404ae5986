"""Names, passwords and tokens in addresses, which are nobody's business."""

from __future__ import annotations

import re

WHO = re.compile(r"(?<=://)[^/@\s'\"]*@")  # RFC 3986, section 3.2.1
QUERY = re.compile(r"(?<=\?)[^\s'\")]*(?:password|token|secret|key)=[^\s'\")]*", re.IGNORECASE)


def hidden(text: str) -> str:
    """A text with "..." for whoever is named in addresses in it, and for what such an address asks with."""
    return QUERY.sub("...", WHO.sub("...", text))
