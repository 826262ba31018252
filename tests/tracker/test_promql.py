"""PromQL that is written from any names, and windows that lose no slot."""

import ast

from hypothesis import given
from hypothesis import strategies as st

from infraspend.loaders.kubernetes.promql import Window, literal, slot_seconds


@given(st.text())
def test_a_literal_is_its_text_again(text: str) -> None:
    quoted = literal(text)

    # Python reads these escapes as PromQL does; what is not escaped may not be a line's end.
    assert ast.literal_eval(quoted.replace("\r", "\\r").replace("\0", "\\x00")) == text
    assert "\n" not in quoted


@given(st.floats(min_value=0.1, max_value=7200))
def test_a_slot_holds_a_scrape_and_divides_the_hour(interval: float) -> None:
    slot = slot_seconds(interval)

    assert 3600 % slot == 0
    assert slot >= min(interval, 3600)
    assert not any(3600 % shorter == 0 for shorter in range(int(interval) + 1, slot))


@given(st.sampled_from([15, 30, 60]), st.sets(st.integers(0, 59)))
def test_what_is_left_and_what_was_cut_are_the_window(slot: int, cut: set[int]) -> None:
    window = Window(0, 60 * slot, slot)

    left = [
        start
        for part in window.without({number * slot for number in cut})
        for start in range(part.start, part.end, slot)
    ]

    assert left == [number * slot for number in range(60) if number not in cut]


@given(st.integers(2, 240))
def test_halves_are_the_whole(slots: int) -> None:
    window = Window(3600, 3600 + slots * 15, 15)
    first, second = window.halves()

    assert first.slots + second.slots == slots
    assert (first.start, first.end, second.end) == (window.start, second.start, window.end)
    assert abs(first.slots - second.slots) <= 1
