"""Names as strings: normal forms, ids, and which name can be short for which."""

import re

from ingest.model import EntityType

ORGANISATIONS = frozenset(
    {
        EntityType.COMPANY,
        EntityType.GOVERNMENT,
        EntityType.PUBLIC_BODY,
        EntityType.RESEARCH_ORGANIZATION,
        EntityType.ORGANIZATION,
    }
)
_KINDS = {
    EntityType.COMPANY: "company",
    EntityType.GOVERNMENT: "government",
    EntityType.PUBLIC_BODY: "public body",
    EntityType.RESEARCH_ORGANIZATION: "research organization",
    EntityType.ORGANIZATION: "organization",
    EntityType.PERSON: "person",
    EntityType.AI_MODEL: "product",
    EntityType.PRODUCT: "product",
    EntityType.REGULATION: "regulation",
    EntityType.PLACE: "place",
    EntityType.GROUP: "group",
    EntityType.CONCEPT: "concept",
}
_KIND_SUFFIX = re.compile(rf"_\((?:{'|'.join(sorted({kind.replace(' ', '_') for kind in _KINDS.values()}))})\)$")
_POSSESSIVE = re.compile(r"(?:['’]s|(?<=s)['’])$")
_STOP = re.compile(r"(?<=[^\W\d_]{4})\.$|(?<=\d)\.$|(?<=\d[A-Z]\d[A-Z])\.$")
_DASH = re.compile(r"(?<=\w)[–‑](?=\d)")
_LEGAL = re.compile(
    r",?\s+(?:Inc|Incorporated|Corp|Corporation|Co|Company|Ltd|Limited|LLC|LLP|LP|PLC|plc|PBC|GmbH|AG|SE|SA|S\.A|SAS|SARL|NV|N\.V|BV|B\.V|AB|AS|ASA|Oyj?|SpA|S\.p\.A|KK|Pty|Pte|Holdings?|Group)\.?$"
)


def clean(name: str) -> str:
    """A name as it is compared and shown: single spaces, no leading "the", no possessive."""
    name = " ".join(name.split())
    if name.endswith(("s", "'", "’")):
        name = _POSSESSIVE.sub("", name)
    if name.endswith("."):
        name = _STOP.sub("", name)
    if "–" in name or "‑" in name:
        name = _DASH.sub("-", name)
    return name[4:] if name[:4] in ("the ", "The ") and len(name) > 4 else name


def without_legal_form(name: str) -> str:
    """ "Robert Bosch GmbH" → "Robert Bosch"; repeated ("Co., Ltd."); a name that is nothing else stays as it is."""
    while (shorter := _LEGAL.sub("", name)) != name and shorter:
        name = shorter
    return name


def new_id(name: str, kind: EntityType, known: dict[str, EntityType]) -> str:
    """The id of an entity outside the gazetteer, from its clean name; `known` are the gazetteer's ids.

    Organisations and full personal names keep the bare name; other kinds carry theirs: the model Falcon and the firm Falcon stay apart.
    """
    plain = name.replace(" ", "_")
    bare = kind in ORGANISATIONS or (kind is EntityType.PERSON and " " in name)
    return plain if bare and plain not in known else f"{plain}_({_KINDS[kind].replace(' ', '_')})"


def new_label(entity_id: str) -> str:
    """The label of a new entity: its id without the kind. It depends on the id alone, not on which article came first."""
    return _KIND_SUFFIX.sub("", entity_id).replace("_", " ")


_REGULATION = re.compile(
    r".+ (?:Act|Directive|Bill)$|(?:Regulation|Directive|Decision) .*\d|(?:Section|Executive Order|House Resolution|H\.R\.) ?\d+$"
)


def is_regulation(name: str) -> bool:
    """Whether the form of a name shows a law: "Online Safety Act", "Regulation (EU) 2018/1725", "Section 702"."""
    return _REGULATION.match(name) is not None


_SMALL = frozenset({"of", "the", "and", "for", "on", "in", "to", "&", "de", "la", "a"})


def initials(name: str) -> str:
    """Capital initials of the words that count: "Department of Justice" → "DJ"."""
    return "".join(word[0].upper() for word in re.split(r"[\s-]+", name) if word and word.lower() not in _SMALL)


def is_acronym(short: str, name: str) -> bool:
    """Whether `short` can abbreviate `name`: the initials of its words in order, small words counting or not ("DoJ", "DMA", "IDF")."""
    letters = [c for c in short if c.isalnum()]
    parts = [word for word in re.split(r"[\s-]+", name) if word]
    if len(letters) < 2 or len(parts) < 2 or not any(c.isupper() for c in letters[1:]):
        return False
    wanted = "".join(letters).lower()
    every = "".join(word[0] for word in parts).lower()
    return wanted in (initials(name).lower(), every) or wanted.rstrip("s") == initials(name).lower()


def may_abbreviate(short: str, name: str) -> bool:
    """A looser test for an abbreviation that the text itself introduces: same first letter, all letters in the name in order ("EIFO")."""
    rest = iter(name.lower())
    return short[:1].lower() == name[:1].lower() and all(c in rest for c in short.lower() if c.isalnum())


def singular(name: str) -> str:
    """ "iPads" → "iPad", "Galaxy Watches" → "Galaxy Watch"; the name itself when it does not end like a plural."""
    if name.endswith(("ches", "shes", "xes")):
        return name[:-2]
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith(("ss", "us", "is", "os", "as")) else name


def is_start(short: str, name: str) -> bool:
    """Whether `short` is the first words of `name`, and not all of it."""
    return name.startswith(short + " ")


def is_end(short: str, name: str) -> bool:
    """Whether `short` is the last words of `name`, and not all of it."""
    return name.endswith(" " + short)
