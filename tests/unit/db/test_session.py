"""The release role's settings and search path, from what the catalog says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.db.session import effective_settings, identifiers, resolved_path
from gate.model.names import quoted


def schemas(*names: str, closed: tuple[str, ...] = ()) -> list[dict[str, object]]:
    return [{"name": name, "may_use": True} for name in names] + [{"name": name, "may_use": False} for name in closed]


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ('"$user", public', ["$user", "public"]),
        ("Shop , public", ["shop", "public"]),
        ('"Shop, Inc", "a""b"', ["Shop, Inc", 'a"b']),
        ("", []),
        ('""', []),
    ],
)
def test_a_list_of_names_is_folded_and_unquoted(setting: str, names: list[str]) -> None:
    assert identifiers(setting) == names


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1))
def test_quoted_names_come_back(names: list[str]) -> None:
    always = ['"' + name.replace('"', '""') + '"' for name in names]
    assert identifiers(", ".join(always)) == names


def test_the_path_keeps_what_exists_and_may_be_used() -> None:
    path = resolved_path(
        '"$user", missing, closed, public, pg_catalog', "deploy", schemas("deploy", "public", closed=("closed",))
    )
    assert path == ["deploy", "public"]


def test_the_more_specific_setting_wins() -> None:
    settings = [{"name": "lock_timeout", "value": "0"}, {"name": "TimeZone", "value": "UTC"}]
    sources = [
        {"name": row["name"], "fallback": "", "is_given": False, "is_of_session_role": False} for row in settings
    ]
    stored = [{"settings": ["lock_timeout=2s"]}, {"settings": ["lock_timeout=9s", "timezone=Europe/Paris"]}]
    assert effective_settings(settings, sources, stored) == {"lock_timeout": "2s", "TimeZone": "Europe/Paris"}


def test_what_the_connection_gives_holds_for_every_role() -> None:
    settings = [{"name": "search_path", "value": "app"}]
    sources = [{"name": "search_path", "fallback": '"$user", public', "is_given": True, "is_of_session_role": False}]
    assert effective_settings(settings, sources, [{"settings": ["search_path=other"]}]) == {"search_path": "app"}


def test_our_own_role_s_setting_is_not_another_s() -> None:
    settings = [{"name": "lock_timeout", "value": "5s"}]
    sources = [{"name": "lock_timeout", "fallback": "0", "is_given": False, "is_of_session_role": True}]
    assert effective_settings(settings, sources, []) == {"lock_timeout": "0"}


def test_plain_names_need_no_quotes() -> None:
    assert identifiers(quoted("shop")) == ["shop"]
