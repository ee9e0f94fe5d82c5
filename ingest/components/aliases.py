"""Which names of an article mean the same entity: legal forms, plurals, abbreviations, surnames, and other short forms."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from spacy.tokens import Doc

from ingest.components import text_of
from ingest.lexicon import words
from ingest.model import EntityType, KnownEntity
from ingest.names import ORGANISATIONS, clean, initials, is_acronym, is_end, is_start, may_abbreviate, singular, without_legal_form

PRODUCTS = frozenset({EntityType.PRODUCT, EntityType.AI_MODEL})
_SIZE = re.compile(r" \d+(?:\.\d+)?[BM]$")
_INITIAL = re.compile(r"(?<=[a-z]) [A-Z]\. ")
_NATIONS = "US|U.S.|American|UK|U.K.|British|EU|European Union|European|French|German|Italian|Spanish|Irish|Dutch|Japanese|Chinese"
_NATION = re.compile(rf"^(?:{_NATIONS.replace('.', '[.]')})(?:['’]s)? ")
_BRACKETS = re.compile(r"\s\(\s*[\"“']?(?:the )?[\"“']?([A-Z][\w&.-]{1,9})[\"”']?\s*\)")
_BEFORE_CHARS = 120


def product_names(name: str, makers: Collection[str]) -> Iterator[str]:
    """A product's name without its maker's in front, in the singular, and without a mere noun behind: "B200" for "Nvidia B200 GPUs"."""
    start = max((len(maker) + 1 for maker in makers if is_start(maker, name)), default=0)
    parts = name[start:].split()
    bare = list(parts)
    while len(bare) > 1 and (
        bare[-1] in words("generic") or bare[-1].lower() in words("product_nouns") or singular(bare[-1]) in words("generic")
    ):
        bare.pop()
    for form in (parts, bare):
        if len(form) > 1 or any(c.isdigit() for c in form[0]):
            yield from (" ".join(form), singular(" ".join(form)))


class NameTable:
    """The gazetteer's names as strings, with the short forms they can be recognised by."""

    def __init__(self, entities: Iterable[KnownEntity]) -> None:
        self.entities = {entity.id: entity for entity in entities}
        self._exact: dict[str, str] = {}
        abbreviations: dict[str, set[str]] = defaultdict(set)
        surnames: dict[str, set[str]] = defaultdict(set)
        for entity in self.entities.values():
            for short in {initials(entity.label), initials(_NATION.sub("", entity.label.replace("United States ", "US ")))}:
                if len(short) >= 3 and entity.type in ORGANISATIONS | {EntityType.REGULATION}:
                    abbreviations[short].add(entity.id)
            for name in (entity.label, *entity.alt_labels):
                self._exact.setdefault(clean(name), entity.id)
                self._exact.setdefault(without_legal_form(clean(name)), entity.id)
                if entity.type is EntityType.PERSON and " " in name:
                    surnames[name.split()[-1]].add(entity.id)
        self._abbreviations = {short: min(ids) for short, ids in abbreviations.items() if len(ids) == 1}
        self._surnames = {name: min(ids) for name, ids in surnames.items() if len(ids) == 1}

    def exact(self, name: str) -> str | None:
        """The entity with this name, without regard to legal form, plural or nation."""
        found = next((self._exact[form] for form in _forms(name) if form in self._exact), None)
        if found is None and (one := self._exact.get(singular(name))) and self.entities[one].type in PRODUCTS:
            return one
        return found

    def abbreviated(self, name: str) -> str | None:
        """The one entity whose initials these are."""
        return self._abbreviations.get(name)

    def surname(self, name: str) -> str | None:
        """The one person with this surname."""
        return self._surnames.get(name)


def _forms(name: str) -> Iterator[str]:
    """The name, and what it is without a legal form, a middle initial, a size or a nation."""
    yield name
    yield without_legal_form(name)
    yield name.removesuffix(" AI")
    if ". " in name:
        yield _INITIAL.sub(" ", name)
    if name.endswith(("B", "M")):
        yield _SIZE.sub("", name)
    yield from _national(name)


def _national(name: str) -> Iterator[str]:
    """A public body's full name from what newspapers call it: "US Commerce Department" → "United States Department of Commerce"."""
    bare = _NATION.sub("", name)
    swapped = re.sub(r"^(.+) (Department|Ministry)$", r"\2 of \1", bare) if bare.endswith(("Department", "Ministry")) else bare
    for body in dict.fromkeys((bare, swapped)):
        if body != name:
            yield body
        if name.startswith(("US ", "U.S. ", "American ", bare)):
            yield f"United States {body}"
            yield (
                f"United States Department of {body.removeprefix('Department of ')}"
                if body.startswith("Department of ")
                else f"U.S. {body}"
            )
    if name.startswith("EU "):
        yield f"European {bare}"


class Names:
    """The new names of one article, grouped by entity."""

    def __init__(self, table: NameTable, known: set[str], names: list[str], kinds: dict[str, EntityType]) -> None:
        self._table = table
        self._known = [table.entities[entity] for entity in sorted(known) if entity in table.entities]
        self._names = names
        self._kinds = kinds
        self._main: dict[str, str] = {}
        self._makers = sorted(
            {form for entity in self._known if entity.type in ORGANISATIONS for form in (entity.label, *entity.alt_labels)}
        )

    def groups(self, doc: Doc) -> dict[str, list[str]]:
        """New names by what stands for their entity: a gazetteer id, or the fullest name of a new one."""
        defined = dict(self._definitions(text_of(doc)))
        for name in sorted(self._names, key=lambda name: (-len(name), self._names.index(name))):
            self._main[name] = self._resolve(name, defined)
        groups: dict[str, list[str]] = {}
        for name in self._names:
            groups.setdefault(self._final(name), []).append(name)
        return groups

    def _final(self, name: str) -> str:
        seen = set()
        while name in self._main and self._main[name] != name and name not in seen:
            seen.add(name)
            name = self._main[name]
        return name

    def _definitions(self, text: str) -> Iterator[tuple[str, str]]:
        """Abbreviations introduced in brackets: "Digital Markets Act (DMA)"."""
        for match in _BRACKETS.finditer(text):
            before, short = text[max(0, match.start() - _BEFORE_CHARS) : match.start()].split(), match.group(1)
            for length in range(1, min(len(before), 10)):
                name = clean(" ".join(before[-length:]))
                if (
                    name[:1].isupper()
                    and before[-length][:1].isupper()
                    and (is_acronym(short, name) or (length > 1 and name in self._kinds and may_abbreviate(short, name)))
                ):
                    yield short, self._table.exact(name) or name
                    break

    def _resolve(self, name: str, defined: dict[str, str]) -> str:
        known = self._table.exact(name)
        if known is not None:
            return known
        if name in defined:
            return defined[name]
        if (short := without_legal_form(name)) != name:
            return self._main.get(short, short)
        candidates = (
            self._plural(name),
            self._abbreviation(name),
            self._of_person(name),
            self._of_organisation(name),
            self._of_product(name),
        )
        return next((found for found in candidates if found is not None), name)

    def _plural(self, name: str) -> str | None:
        one = singular(name)
        return one if one != name and one in self._kinds else None

    def _abbreviation(self, name: str) -> str | None:
        if not (2 <= len(name) <= 7 and name[0].isupper() and " " not in name and sum(c.isupper() for c in name) >= 2):
            return None
        here = [entity.id for entity in self._known if any(is_acronym(name, form) for form in (entity.label, *entity.alt_labels))]
        here += [other for other in self._names if is_acronym(name, other)]
        return here[0] if here else self._table.abbreviated(name)

    def _of_person(self, name: str) -> str | None:
        if " " in name or not name.isalpha():
            return None
        persons = [entity.id for entity in self._known if entity.type is EntityType.PERSON and is_end(name, entity.label)]
        persons += [other for other in self._names if self._kinds[other] is EntityType.PERSON and is_end(name, other)]
        if not persons and self._kinds[name] is EntityType.PERSON:
            persons += [other for other in self._names if self._kinds[other] is EntityType.PERSON and is_start(name, other)]
            persons += [known for known in [self._table.surname(name)] if known]
        return persons[0] if persons else None

    def _of_organisation(self, name: str) -> str | None:
        fits = is_end if name.split()[-1].lower() in _HEADS else is_start
        if (usual := self._usual(name)) is not None:
            return usual
        for entity in self._known:
            if entity.type in ORGANISATIONS and any(fits(name, form) for form in (entity.label, *entity.alt_labels)):
                return entity.id
        if self._kinds[name] in ORGANISATIONS or fits is is_end:
            return next(
                (
                    other
                    for other in self._names
                    if self._kinds[other] in ORGANISATIONS and fits(name, other) and without_legal_form(other) != name
                ),
                None,
            )
        return None

    def _usual(self, name: str) -> str | None:
        """A public body by the noun that newspapers use for it, where its surroundings are in the article ("the Commission")."""
        entity, company = _USUAL.get(name, ("", frozenset()))
        return entity if entity in self._table.entities and any(known.id in company for known in self._known) else None

    def _of_product(self, name: str) -> str | None:
        """A product without its maker's name in front: "Vision Pro" for "Apple Vision Pro"."""
        for maker in self._makers:
            full = f"{maker} {name}"
            if full in self._kinds:
                return full
            known = self._table.exact(full)
            if known is not None and self._table.entities[known].type in PRODUCTS:
                return known
        return None


_EU = frozenset({"European_Commission", "European_Union", "European_Parliament", "Digital_Markets_Act", "Digital_Services_Act"})
_CONGRESS = frozenset({"United_States_Senate", "United_States_Congress", "United_States_House_of_Representatives"})
_USUAL: dict[str, tuple[str, frozenset[str]]] = {
    "Commission": ("European_Commission", _EU),
    "Parliament": ("European_Parliament", _EU),
    "House": ("United_States_House_of_Representatives", _CONGRESS),
}
_HEADS = (
    words("public_body_heads") | words("organization_heads") | {"times", "post", "journal", "court", "house", "university", "institute"}
)
