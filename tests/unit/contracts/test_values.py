"""The chart's values as `docs/values.md` lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.contracts.values import UndocumentedError, values_table


def table(folder: Path, text: str) -> str:
    path = folder / "values.yaml"
    path.write_text(text)
    return values_table(path)


def test_a_section_is_told_by_the_comment_above_it_and_a_value_by_the_one_beside_it(
    tmp_path: Path,
) -> None:
    assert table(tmp_path, "# A broker\n# of ours.\nkafka:\n  heap: 256m  # of its JVM\n") == (
        "### kafka\n\nA broker of ours.\n\n| value | default | meaning |\n| --- | --- | --- |\n"
        '| `kafka.heap` | `"256m"` | of its JVM |\n'
    )


def test_a_setting_means_what_the_service_says_of_it(tmp_path: Path) -> None:
    assert "how long a dead replica" in table(tmp_path, "settings: {sessionTimeoutSeconds: 45}\n")


def test_a_line_with_a_comment_is_one_value(tmp_path: Path) -> None:
    rendered = table(tmp_path, "a:\n  b: {c: 1, d: 2}  # both\n")
    assert '| `a.b` | `{"c":1,"d":2}` | both |' in rendered
    assert "a.b.c" not in rendered


@pytest.mark.parametrize("text", ["a: {b: 1}\n", "settings: {bass: 1}\n", "nodes: {}\n"])
def test_a_value_that_nobody_says_a_word_about_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UndocumentedError, match=r"a\.b|settings\.bass|nodes"):
        table(tmp_path, text)
