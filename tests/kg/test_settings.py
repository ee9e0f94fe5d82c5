"""The settings: what each refuses, and how it says so."""

import pytest

from kg.errors import SettingError
from kg.settings import LONGEST_S, Settings, has_flag

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
