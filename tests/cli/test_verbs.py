"""What all verbs share: their flags, one document with --json also when they fail, silence with -q."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command_line import CHECKOUT, Folder, Ran

from connector import __version__
from connector.cli import VERBS, Verbs, connector, main

FLAGS = {"--json", "-q", "-v", "--no-color", "--yes", "--db", "--rules"}
HEAVY = {"sqlglot", "hubspot", "uvicorn", "starlette", "apscheduler", "httpx", "sqlite_utils", "ruamel"}
FAILING = {  # how each verb fails in an empty folder
    "init": ["init", "a-file"],
    "explain": ["explain", "jane@acme.fr"],
    "sandbox": ["sandbox", "--load", "nothing.csv"],
    "demo": ["demo", "."],
}
READING = [
    *(["status"], ["runs"], ["doctor"], ["outbox"], ["contacts"], ["contacts", "--csv"], ["check"]),
    *(["explain", "jane@acme.fr"], ["plan"], ["sync"], ["pull"], ["provision"]),
]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    monkeypatch.chdir(tmp_path)
    return Inside(capsys)


class Inside:
    """The command line in this process: for what touches neither account nor cache."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str) -> Ran:
        with pytest.raises(SystemExit) as leave:
            main(args)
        printed = self._capsys.readouterr()
        assert isinstance(leave.value.code, int)
        return Ran(leave.value.code, printed.out, printed.err)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_the_same_flags_and_helps(verb: str, inside: Inside) -> None:
    command = Verbs().get_command(click.Context(connector), verb)
    assert command is not None
    names = {name for option in command.params for name in option.opts}
    assert names >= FLAGS
    helped = inside(verb, "--help")
    assert helped.code == 0
    assert VERBS[verb][1]
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{verb} {option.name} says nothing"


@pytest.mark.parametrize("verb", VERBS)
def test_a_failure_is_a_document_too(verb: str, inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("something else", "utf-8")
    ran = inside(*FAILING.get(verb, [verb]), "--json")
    if verb == "doctor":  # finds what is wrong, and says so: that is no failure
        assert (ran.code, ran.document["status"]) == (1, "done")
        return
    assert ran.code == 2, ran
    assert ran.stderr == ""
    document = ran.document
    assert list(document) == ["version", "command", "status", "summary", "items", "diagnostics"]
    assert (document["command"], document["status"]) == (verb, "failed")
    assert document["diagnostics"]
    assert all(d["what"] and d["fix"] for d in document["diagnostics"])


def test_a_command_that_cannot_be_read_is_a_document_too(inside: Inside) -> None:
    for args in (["sync", "--fast"], ["explain"], ["contacts", "--limit", "0"]):
        document = inside(*args, "--json").document
        assert (document["command"], document["status"]) == (args[0], "failed")
        assert document["diagnostics"][0]["fix"] == f"connector {args[0]} --help"
    assert inside("synch", "--json").document["command"] == ""


def test_quiet_is_silent(applied: Folder) -> None:
    for verb in READING:
        ran = applied(*verb, "-q")
        assert (verb, ran.code, ran.stdout, ran.stderr) == (verb, 0, "", "")
    failed = applied("explain", "nobody@acme.fr", "-q")
    assert failed.code == 2
    assert "No contact" in failed.stderr


def test_csv_with_json_is_one_document_with_everybody(applied: Folder) -> None:
    found = applied.json("contacts", "--csv")
    assert len(found["items"]) == 150
    assert "jane@acme.fr" in {item["email"] for item in found["items"]}


def test_no_colour_and_no_progress_where_nobody_looks(applied: Folder) -> None:
    for verb in ("status", "plan", "sync"):
        ran = applied(verb)
        assert "\x1b" not in ran.stdout + ran.stderr
        assert "\r" not in ran.stderr


def test_the_help_names_every_verb_in_the_order_of_the_way(inside: Inside) -> None:
    said = inside("--help").stdout.partition("Verbs:")[2]
    places = [said.index(f"  {verb} ") for verb in VERBS]
    assert places == sorted(places)
    assert __version__ in inside("--version").stdout


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["sync", "--help"], ["explain", "--help"]])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    script = (
        "import json, sys\nfrom connector.cli import main\n"
        "sys.argv = ['connector', *json.loads(sys.argv[1])]\n"
        "try: main()\n"
        "finally: print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, json.dumps(args)], capture_output=True, text=True, cwd=CHECKOUT
    )
    assert ran.returncode == 0, ran.stderr
    assert set(json.loads(ran.stderr)) & HEAVY == set()


# -- the outbox ----------------------------------------------------------------------------------------


def test_held_changes_wait_for_a_person(applied: Folder) -> None:
    """The CRM says yes and writes nothing: the changes are held, listed, and sent again or dropped."""
    portal = applied.portal
    assert portal is not None
    applied.edit("workflows/qualification.yaml", "points: 20", "points: 21")
    changed = applied.json("plan")["summary"]["changed"]
    portal.faults([{"path": "batch/update", "empty": True}])
    done = applied("apply", "--yes")
    assert done.code == 1
    assert f"0 sent, {changed} held" in done.stdout
    assert "connector outbox list" in done.stdout
    rows = applied.json("outbox")["items"]
    assert {row["state"] for row in rows} == {"held"}
    assert len({row["contact"] for row in rows}) == changed
    assert "named neither a result nor an error" in rows[0]["said"]
    assert "held in the outbox" in applied("status").stdout
    assert applied("doctor").code == 1

    before = len(portal.journal())
    assert applied("sync").code == 0
    assert not any("update" in entry["path"] for entry in portal.journal(before)), "held is not sent"
    first = [str(row["row"]) for row in rows if row["contact"] == rows[0]["contact"]]
    assert f"{len(first)} rows dropped." in applied("outbox", "drop", *first).stdout
    assert "to be sent again at the next sync" in applied("outbox", "retry").stdout
    assert applied("sync", "--json").summary["sent"] == changed - 1
    assert applied.json("outbox")["items"] == []
