"""Saved queries: SPARQL files whose parameters are declared in `#+` lines (YAML, as grlc has it) and bound as terms, never pasted.

A parameter is a variable of the query's pattern that the query also projects: Oxigraph binds only projected variables. It starts the
evaluation with them, so `BOUND` of a parameter and `BIND … AS` a parameter do not see it. An argument that is not given binds nothing,
so the variable keeps its meaning: anything.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import PurePath
from typing import Any

import yaml
from pyoxigraph import Literal, NamedNode, Variable

from kg.engines import Reader
from kg.errors import DataError, QueryError
from kg.iris import AIKG, RDFS, SKOS, XSD, Iris
from kg.ontology import data_dir, relation_names

type Term = NamedNode | Literal
type Bindings = dict[Variable, Term]
type FindEntity = Callable[[str], NamedNode]
"""The entity that a name, id or IRI stands for; raises QueryError when there is none or more than one."""

_HEADER = "#+"
_NAMES = (RDFS("label"), SKOS("altLabel"))


class ParameterType(StrEnum):
    """What an argument is written as, and which term it becomes."""

    ENTITY = "entity"  # a name, an id or an IRI of an entity
    RELATION = "relation"  # the local name or the IRI of a relation
    IRI = "iri"
    STRING = "string"
    INTEGER = "integer"
    DATE = "date"  # ISO 8601, as 2024-02-27


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a saved query. `default` is written like an argument; without one, and not `required`, it stands for anything.
    Where there are `choices`, an argument is one of them.
    """

    name: str
    type: ParameterType
    description: str
    default: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query file: `name` is the file's, `text` is its SPARQL with the header, which SPARQL reads as comments."""

    name: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    text: str


def load(folder: Traversable | None = None) -> dict[str, SavedQuery]:
    """The saved queries by name, sorted; `folder` holds `NAME.rq` files. Raises DataError for a header that cannot be read."""
    queries = folder or data_dir("queries")
    found = sorted((file for file in queries.iterdir() if file.name.endswith(".rq")), key=lambda file: file.name)
    return {query.name: query for query in map(_read, found)}


def find(name: str, queries: Mapping[str, SavedQuery] | None = None) -> SavedQuery:
    """The saved query of that name. Raises QueryError, which names the closest ones."""
    queries = load() if queries is None else queries
    try:
        return queries[name]
    except KeyError:
        raise QueryError(f"no saved query is called {name!r}{_hint(name, queries)}; there are {', '.join(queries)}") from None


def bind(query: SavedQuery, arguments: Mapping[str, str], find_entity: FindEntity) -> Bindings:
    """The terms that the arguments and the defaults stand for, by variable: pyoxigraph's `substitutions`.

    Raises QueryError for an argument that is unknown, missing, or cannot be read as its parameter's type.
    """
    known = {parameter.name: parameter for parameter in query.parameters}
    for name in arguments:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise QueryError(f"saved query {query.name} has no parameter {name!r}{_hint(name, known)}; {has}")
    bindings: Bindings = {}
    for parameter in query.parameters:
        value = arguments.get(parameter.name, parameter.default)
        if value is not None:
            bindings[Variable(parameter.name)] = _term(query, parameter, value, find_entity)
        elif parameter.required:
            raise QueryError(f"saved query {query.name} needs {parameter.name} ({parameter.type}): {parameter.description}")
    return bindings


def find_entity(store: Reader, iris: Iris, text: str) -> NamedNode:
    """The entity of the graph that `text` stands for: its IRI, its id, or one of its names, whose case matters only where it must.

    Raises QueryError when there is none, naming the closest, or when several share the name.
    """
    for candidates in (_by_iri, _by_id, _by_name, _by_name_in_any_case):
        found = candidates(store, iris, text)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(iris.id_of("entity", entity.value) or entity.value for entity in found)
            raise QueryError(f"{len(found)} entities are called {text!r}: {ids}; give one of these ids")
    names = {name.value for _, name in _all_names(store, iris)}
    closest = _hint(text, names) or "; only entities that an article names are in the graph"
    raise QueryError(f"no entity is called {text!r}{closest}")


def _by_iri(store: Reader, iris: Iris, text: str) -> list[NamedNode]:
    return [NamedNode(text)] if iris.id_of("entity", text) and _is_iri(text) else []


def _by_id(store: Reader, iris: Iris, text: str) -> list[NamedNode]:
    entity = iris.entity(text)
    return [entity] if any(True for _ in store.quads_for_pattern(entity, _NAMES[0], None, iris.knowledge)) else []


def _by_name(store: Reader, iris: Iris, text: str) -> list[NamedNode]:
    name = Literal(text, language="en")
    for predicate in _NAMES:  # a label beats an alternative label
        found = {quad.subject for quad in store.quads_for_pattern(None, predicate, name, iris.knowledge)}
        if found:
            return _sorted(found)
    return []


def _by_name_in_any_case(store: Reader, iris: Iris, text: str) -> list[NamedNode]:
    wanted = _folded(text)
    return _sorted({entity for entity, name in _all_names(store, iris) if _folded(name.value) == wanted})


def _all_names(store: Reader, iris: Iris) -> Iterator[tuple[NamedNode, Literal]]:
    quads = chain.from_iterable(store.quads_for_pattern(None, predicate, None, iris.knowledge) for predicate in _NAMES)
    for quad in quads:
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, Literal):
            yield quad.subject, quad.object


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold().removeprefix("the ")


def _sorted(entities: Collection[object]) -> list[NamedNode]:
    return sorted((entity for entity in entities if isinstance(entity, NamedNode)), key=lambda entity: entity.value)


def _term(query: SavedQuery, parameter: Parameter, value: str, find_entity: FindEntity) -> Term:
    if parameter.choices and value.removeprefix(AIKG.iri) not in parameter.choices:
        raise QueryError(f"parameter {parameter.name} of saved query {query.name}: {value!r} is none of {', '.join(parameter.choices)}")
    try:
        return find_entity(value) if parameter.type is ParameterType.ENTITY else _TERMS[parameter.type](value)
    except (QueryError, ValueError) as error:
        raise QueryError(f"parameter {parameter.name} of saved query {query.name}: {error}") from error


def _relation(value: str) -> NamedNode:
    name = value.removeprefix(AIKG.iri)
    if name not in relation_names():
        raise QueryError(f"no relation is called {value!r}{_hint(name, relation_names())}; there are {', '.join(relation_names())}")
    return AIKG(name)


def _iri(value: str) -> NamedNode:
    if not _is_iri(value):
        raise QueryError(f"{value!r} is no absolute IRI; write it whole, as https://example.org/thing")
    return NamedNode(value)


def _is_iri(value: str) -> bool:
    try:
        NamedNode(value)
    except ValueError:
        return False
    return True


def _integer(value: str) -> Literal:
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise QueryError(f"{value!r} is no whole number")
    return Literal(str(int(value)), datatype=XSD("integer"))


def _date(value: str) -> Literal:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise QueryError(f"{value!r} is no date; write it as 2024-02-27")
    return Literal(date.fromisoformat(value).isoformat(), datatype=XSD("date"))


_TERMS: dict[ParameterType, Callable[[str], Term]] = {
    ParameterType.RELATION: _relation,
    ParameterType.IRI: _iri,
    ParameterType.STRING: Literal,
    ParameterType.INTEGER: _integer,
    ParameterType.DATE: _date,
}


def _read(file: Traversable) -> SavedQuery:
    text = file.read_text(encoding="utf-8")
    header = "\n".join(line.removeprefix(_HEADER).removeprefix(" ") for line in text.splitlines() if line.startswith(_HEADER))
    try:
        described = yaml.safe_load(header)
    except yaml.YAMLError as error:
        raise DataError(f"{file.name}: the {_HEADER} lines are no YAML: {error}") from error
    if not isinstance(described, dict) or not {"summary", "description"} <= described.keys():
        raise DataError(f"{file.name}: the {_HEADER} lines must give summary and description")
    parameters = tuple(_parameter(file.name, given) for given in described.get("parameters") or ())
    return SavedQuery(PurePath(file.name).stem, described["summary"], described["description"].strip(), parameters, text)


def _parameter(file: str, given: dict[str, Any]) -> Parameter:
    try:
        default = None if given.get("default") is None else str(given["default"])
        kind = ParameterType(given["type"])
        return Parameter(
            given["name"], kind, given["description"], default, bool(given.get("required", False)), tuple(given.get("choices", ()))
        )
    except (KeyError, TypeError, ValueError) as error:
        types = ", ".join(ParameterType)
        raise DataError(f"{file}: parameter {given!r}: {error}; each needs name, description and a type of {types}") from error


def _hint(name: str, known: Collection[str]) -> str:
    folded = {_folded(candidate): candidate for candidate in known}
    close = [folded[match] for match in get_close_matches(_folded(name), folded, n=3)]
    return f"; did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
