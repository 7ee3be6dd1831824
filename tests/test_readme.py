"""The README's commands are run and its output is theirs; its tree is the one that the floors test walks."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from click import Command, Context
from command_line import CHECKOUT, Folder, stop

from connector import FLOORS
from connector.cli import VERBS, Verbs, connector
from connector.model import Secret
from connector.settings import KNOWN
from connector.webhook import signature

README = (CHECKOUT / "README.md").read_text("utf-8")


def block(name: str) -> str:
    """The fenced block under the marker `<!-- name -->`."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", README, re.S)
    assert found, f"no block {name!r} in the README"
    return found[1]


def tree() -> str:
    wide = max(len(module) for module, _ in FLOORS)
    return "".join(f"{module:<{wide}}  {sentence}\n" for module, sentence in FLOORS)


def told(text: str) -> list[str]:
    """What does not depend on the folder, nor on how often a request had to be sent again."""
    lines = [re.sub(r"[\d,]+ requests?", "N requests", line) for line in text.splitlines()]
    return [line for line in lines if not line.strip().startswith(". ")]


def test_the_tree_is_that_of_the_floors() -> None:
    assert block("floors") == tree()


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    ran = Folder(tmp_path)("demo", "demo")
    assert ran.code == 0, ran.stderr
    assert told(ran.stdout) == told(block("output of make demo"))


def test_init_and_check_and_the_mistake(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder("init", "my-rules").code == 0
    rules = Folder(tmp_path / "my-rules")
    assert rules("check").code == 0
    rules.edit("workflows/qualification.yaml", "signal: demo_download", "signal: demo_downlod")
    ran = rules("check")
    assert ran.code == 2
    assert ran.stderr == block("a mistake")


def test_the_other_rules_load(tmp_path: Path) -> None:
    rest = "version: 1\nname: n\ntotal: {of: [fit, engagement]}\ntemperature: [{band: cold}]\n"
    folder = Folder(tmp_path)
    folder.rules()
    (tmp_path / "workflows" / "qualification.yaml").write_text(rest + block("other rules"), "utf-8")
    (tmp_path / "mappings" / "write_back.yaml").write_text(
        "version: 1\nwrite_back: {fields: {score: lq_score}}\n", "utf-8"
    )
    ran = folder("check")
    assert ran.code == 0, ran.stderr


def test_the_lines_of_the_hand_off_are_those_of_the_default_rules() -> None:
    there = (CHECKOUT / "workflows" / "qualification.yaml").read_text("utf-8").splitlines()
    assert [line for line in block("stages and hand-off").splitlines() if line not in there] == []


def test_a_webhook_is_checked_as_shown() -> None:
    code: dict[str, Any] = {}
    exec(block("checking a webhook"), code)
    body, secret = b'{"stage":"mql"}', Secret("s3cret")
    headers = {
        "X-Connector-Timestamp": "1794819600",
        "X-Connector-Signature": signature(secret, "1794819600", body),
    }
    assert code["is_from_connector"](headers, body, "s3cret")
    assert not code["is_from_connector"](headers, body + b" ", "s3cret")


def test_the_sandbox_is_served_as_shown(tmp_path: Path) -> None:
    [said] = re.findall(r"^\$ connector (sandbox .*)$", README, re.M)
    process = Folder(tmp_path).start(*said.replace("8766", "0").split())
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert stop(process, signal.SIGTERM).code == 0
    assert "500 contacts" in lines[0]
    assert lines[1].strip().startswith("HUBSPOT_BASE_URL=http://127.0.0.1:")


def test_every_setting_is_in_the_example() -> None:
    example = (CHECKOUT / ".env.example").read_text("utf-8")
    assert re.findall(r"^#?([A-Z_]+)=", example, re.M) == list(KNOWN)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_a_sentence_and_flags_with_help(verb: str) -> None:
    assert isinstance(connector, Verbs)
    command = connector.get_command(Context(connector), verb)
    assert isinstance(command, Command)
    assert command.help
    for option in command.params:
        if option.param_type_name == "option":
            assert getattr(option, "help", None), f"{verb} {option.name}"


def test_the_readme_names_only_verbs_and_flags_that_exist() -> None:
    said = re.findall(r"`connector ([a-z]+)((?: [^`]*)?)`", README)
    assert said
    for verb, rest in said:
        assert verb in VERBS, verb
        command = connector.get_command(Context(connector), verb)  # type: ignore[attr-defined]
        flags = {flag for option in command.params for flag in option.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= flags, f"{verb} {rest}"


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (CHECKOUT / target).exists(), target
