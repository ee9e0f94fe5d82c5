"""The settings: what each refuses, and how it says so."""

import pytest

from kg.errors import SettingError
from kg.settings import LONGEST_S, Settings, has_flag, unknown

SECONDS = [name for name in Settings.model_fields if name.endswith("_s")]


@pytest.mark.parametrize("value", ["inf", "nan", "1e10", LONGEST_S + 1])
@pytest.mark.parametrize("name", SECONDS)
def test_a_time_that_no_clock_below_us_can_wait_for_is_refused(name: str, value: str):
    flag = rf" \(--{name.replace('_', '-')}\)" if has_flag(name) else ""
    with pytest.raises(SettingError, match=rf"^KG_{name.upper()}{flag}: Input should be .*, got"):
        Settings.load(**{name: value})


@pytest.mark.parametrize("name", SECONDS)
def test_the_longest_time_is_taken(name: str):
    assert getattr(Settings.load(**{name: LONGEST_S}), name) == LONGEST_S


@pytest.mark.parametrize("value", ["nonsense", "urn:x:", "https://example.org/?q", "http://ada:secret@example.org/"])
def test_a_base_iri_that_is_none_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_BASE_IRI", value)
    with pytest.raises(
        SettingError, match=r"^KG_BASE_IRI \(--base-iri\) '.*; give an absolute IRI such as https://example.org/$"
    ) as raised:
        Settings.load()
    assert "secret" not in str(raised.value)


def test_a_base_iri_gets_its_final_slash():
    assert Settings.load(base_iri="https://example.org/news").base_iri == "https://example.org/news/"


@pytest.mark.parametrize(
    "value",
    ["localhost:7878", "ftp://x/", "http://", "http://x/?a=b", "http://x/#a", "http://[x", "http://x:port/", "http://a b/", "nonsense"],
)
def test_an_address_of_no_service_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_STORE", value)
    with pytest.raises(SettingError) as raised:
        Settings.load()
    assert str(raised.value).startswith(f"KG_STORE (--store) {value!r} ")
    assert "give the address of a SPARQL service such as http://localhost:7878/" in str(raised.value)


@pytest.mark.parametrize("name", ["store", "store_query", "store_update", "store_graphs"])
def test_a_password_in_an_address_of_the_service_is_refused_and_not_shown(name: str):
    with pytest.raises(SettingError, match=rf"^KG_{name.upper()} .*'http://…@127.0.0.1/' holds a user or a password") as raised:
        Settings.load(**{name: "http://ada:secret@127.0.0.1/"})
    assert "secret" not in str(raised.value)
    assert "KG_STORE_USER and KG_STORE_PASSWORD" in str(raised.value)


def test_a_password_in_an_address_that_cannot_be_parsed_is_not_shown():
    with pytest.raises(SettingError, match="KG_STORE_QUERY") as raised:
        Settings.load(store_query="http://ada:secret@[x/")
    assert "secret" not in str(raised.value)


def test_an_empty_variable_counts_for_nothing(monkeypatch: pytest.MonkeyPatch):
    unset = Settings.load()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"KG_{name.upper()}", "")
    assert Settings.load() == unset


def test_an_empty_address_given_as_a_flag_is_no_service(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_STORE", "http://localhost:7878/")
    assert Settings.load(store="").store is None


def test_variables_that_set_nothing_are_told_from_those_that_do():
    found = unknown(["KG_PROT", "KG_PORT", "kg_port", "KG_XYZZY", "KG_QUERY_TIMEOUT", "PATH", "AIKG_WRITE_GOLDEN"])
    assert found == {"KG_PROT": "PORT", "KG_QUERY_TIMEOUT": "QUERY_TIMEOUT_S", "KG_XYZZY": None}
