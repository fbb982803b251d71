"""Names of people, compared over data sets that spell them differently."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def normalised(name: str) -> str:
    """A person's name without case, accents, punctuation and underscores; "Surname, Name" in the other order.

    Empty for names that are mere numbers, since equal numbers of two data sets do not mean one person.
    """
    if name.count(",") == 1:
        name = " ".join(reversed(name.split(",")))
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = re.findall(r"[^\W_]+", plain.casefold())
    return " ".join(words) if any(not word.isdecimal() for word in words) else ""


def shared_people(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """People whose normalised names are equal, as each side spells them, sorted.

    Example:
        >>> from nbutils.data import shared_people
        >>> shared_people(["Zoë_Smith", "42"], ["smith, zoe", "42"])
        [('Zoë_Smith', 'smith, zoe')]
    """
    known = {normalised(name): name for name in second}
    known.pop("", None)
    return sorted((name, known[key]) for name in first if (key := normalised(name)) in known)
