"""Rules in a file: three ways to write them, and mistakes that are named with their place."""

import pytest

from lab.policy.rules import UnreadableRulesError, read_file

YAML = """
rules:
  - name: no-drums
    guards: AuthorizePayment
    effect: deny
    when: order.items.exists(item, item.sku == "drums")
"""
JSON = """
[{"name": "no-drums", "guards": "AuthorizePayment", "effect": "deny",
  "when": "order.items.exists(item, item.sku == \\"drums\\")"}]
"""
TOML = """
[[rules]]
name = "no-drums"
guards = "AuthorizePayment"
effect = "deny"
when = 'order.items.exists(item, item.sku == "drums")'
"""


@pytest.fixture
def written(tmp_path):
    def write(text, suffix="yaml"):
        (path := tmp_path / f"rules.{suffix}").write_text(text)
        return path

    return write


def test_the_same_rule_can_be_written_in_three_ways(written):
    files = {"yaml": YAML, "json": JSON, "toml": TOML}
    found = [read_file(written(text, suffix)) for suffix, text in files.items()]
    assert found[0] == found[1] == found[2]
    assert [rule.name for rule in found[0]] == ["no-drums"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (YAML.replace("item.sku ==", "item.sku"), "no-drums: when: line 1, column"),
        (YAML.replace("order.items", "facts.Nothing || order.items"), "facts.StockReserved"),
        (YAML.replace("order.items", "order.itmes"), "does not work on an example order"),
        (YAML.replace("deny", "shrug"), "Invalid enum value 'shrug'"),
        ("rules: [", "rules.yaml: "),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place_before_anybody_is_asked(written, text, told):
    with pytest.raises(UnreadableRulesError, match=r"rules\.yaml: ") as error:
        read_file(written(text))
    assert told in str(error.value)
    assert error.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnreadableRulesError, match=r"nowhere\.yaml"):
        read_file(tmp_path / "nowhere.yaml")
