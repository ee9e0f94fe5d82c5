"""Countries by their adjectives and short names, and what their governments are called (`lexicon/demonyms.tsv`)."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ABBREVIATIONS = {
    "US": "United States",
    "U.S.": "United States",
    "USA": "United States",
    "U.S.A.": "United States",
    "America": "United States",
    "UK": "United Kingdom",
    "U.K.": "United Kingdom",
    "Britain": "United Kingdom",
    "UAE": "United Arab Emirates",
    "U.A.E.": "United Arab Emirates",
    "PRC": "China",
    "Holland": "Netherlands",
    "the Netherlands": "Netherlands",
    "Korea": "South Korea",
}
CAPITALS = {
    "Paris": "France",
    "Berlin": "Germany",
    "Washington": "United States",
    "London": "United Kingdom",
    "Westminster": "United Kingdom",
    "Beijing": "China",
    "Moscow": "Russia",
    "Kremlin": "Russia",
    "Tokyo": "Japan",
    "Rome": "Italy",
    "Madrid": "Spain",
    "Warsaw": "Poland",
    "Ottawa": "Canada",
    "Canberra": "Australia",
    "Delhi": "India",
    "New Delhi": "India",
    "Seoul": "South Korea",
    "Taipei": "Taiwan",
    "The Hague": "Netherlands",
    "Vienna": "Austria",
    "Dublin": "Ireland",
    "Lisbon": "Portugal",
    "Athens": "Greece",
    "Stockholm": "Sweden",
    "Copenhagen": "Denmark",
    "Helsinki": "Finland",
    "Oslo": "Norway",
    "Ankara": "Turkey",
    "Kyiv": "Ukraine",
    "Tehran": "Iran",
    "Riyadh": "Saudi Arabia",
    "Abu Dhabi": "United Arab Emirates",
    "Jerusalem": "Israel",
}


@dataclass(frozen=True, slots=True)
class Nation:
    """A country or region with its adjective; `code` is ISO 3166-1 alpha-2, or empty."""

    adjective: str
    place: str
    code: str


@cache
def by_adjective() -> dict[str, Nation]:
    """Nations by their adjective ("French", "South Korean")."""
    rows = (files("ingest") / "lexicon" / "demonyms.tsv").read_text(encoding="utf-8").splitlines()
    return {row.split("\t")[0]: Nation(*row.split("\t")) for row in rows}


@cache
def country_codes() -> dict[str, str]:
    """ISO codes by country name."""
    return {nation.place: nation.code for nation in by_adjective().values() if nation.code}


def government_names(place: str) -> list[str]:
    """What the executive of a place is called, without an article: "Government of France", "French government"."""
    adjectives = [nation.adjective for nation in by_adjective().values() if nation.place == place]
    return [f"Government of {place}", f"{place} government", *(f"{adjective} government" for adjective in adjectives)]
