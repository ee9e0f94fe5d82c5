"""Tokens: shown once, kept as hashes, refused when they are wrong."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kg import tokens
from kg.errors import DataError, SettingError
from kg.tokens import Scope


def test_a_token_is_known_by_its_secret_alone(tmp_path: Path):
    secret = tokens.create(tmp_path, "newsroom", [Scope.UPDATE, Scope.INGEST])
    found = tokens.verify(tmp_path, secret)
    assert found is not None
    assert (found.name, found.scopes) == ("newsroom", (Scope.INGEST, Scope.UPDATE))
    for wrong in ("", "aikg_", secret[:-1], secret + "x", found.sha256, "\udcff"):
        assert tokens.verify(tmp_path, wrong) is None


def test_the_secret_is_nowhere_kept_and_only_the_owner_reads_the_file(tmp_path: Path):
    secret = tokens.create(tmp_path, "a", [Scope.INGEST])
    file = tmp_path / "tokens.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_revoked_token_is_refused_and_the_others_are_not(tmp_path: Path):
    first, second = (tokens.create(tmp_path, name, [Scope.INGEST]) for name in ("first", "second"))
    assert tokens.revoke(tmp_path, "first")
    assert tokens.verify(tmp_path, first) is None
    assert tokens.verify(tmp_path, second)
    assert not tokens.revoke(tmp_path, "first")


def test_a_name_is_given_once(tmp_path: Path):
    tokens.create(tmp_path, "a", [Scope.INGEST])
    with pytest.raises(SettingError, match="there is a token 'a' already; choose another name"):
        tokens.create(tmp_path, "a", [Scope.INGEST])


@pytest.mark.parametrize("name", ["", " ", "a\tb", "a\nb"])
def test_a_name_is_printable(tmp_path: Path, name: str):
    with pytest.raises(SettingError, match="is no name for a token"):
        tokens.create(tmp_path, name, [Scope.INGEST])


def test_a_token_allows_something(tmp_path: Path):
    with pytest.raises(SettingError, match="needs a scope: ingest, update"):
        tokens.create(tmp_path, "a", [])


def test_of_tokens_made_at_once_none_is_lost(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: tokens.create(tmp_path, str(number), [Scope.INGEST]), range(24)))
    assert {token.name for token in tokens.all_of(tmp_path)} == {str(number) for number in range(24)}


@pytest.mark.parametrize("content", ["", '[{"name": "a"}]', '[{"name": "a", "scopes": ["all"], "created": "", "sha256": ""}]'])
def test_a_damaged_file_allows_nothing_and_is_reported(tmp_path: Path, content: str):
    (tmp_path / "tokens.json").write_text(content)
    with pytest.raises(DataError, match=r"tokens\.json is damaged .*; remove it and make the tokens anew"):
        tokens.verify(tmp_path, "aikg_x")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path):
    (tmp_path / "tokens.json").mkdir()
    with pytest.raises(DataError, match=r"cannot read .*tokens\.json: .*; check its permissions"):
        tokens.all_of(tmp_path)


def test_where_there_are_no_tokens_none_is_known(tmp_path: Path):
    assert tokens.all_of(tmp_path / "missing") == []
    assert tokens.verify(tmp_path / "missing", "aikg_x") is None
    assert not tokens.revoke(tmp_path / "missing", "a")
    assert not (tmp_path / "missing").exists()
