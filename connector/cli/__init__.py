"""The command line: the verbs, their flags, and what leaves the process (one document, an exit code)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from connector import __version__

# verb -> (module, sentence of `--help`): a verb's module is imported when it is called
VERBS = {
    "init": ("rules", "Write rules and settings to start from."),
    "check": ("rules", "Read the rules and print every mistake."),
    "provision": ("account", "Make our properties in the CRM, once."),
    "backfill": ("backfill", "Read everything; resumable."),
    "pull": ("pull", "Read what changed in the CRM."),
    "plan": ("plan", "Preview what would change; nothing is sent."),
    "apply": ("plan", "Send exactly what a plan says."),
    "sync": ("sync", "The whole way, once."),
    "run": ("sync", "The daemon: sync, again and again."),
    "contacts": ("people", "List contacts by stage or temperature."),
    "explain": ("people", "Every point of one contact, and why."),
    "status": ("health", "How it is."),
    "runs": ("health", "What was done."),
    "verify": ("health", "Score everybody anew and compare."),
    "doctor": ("health", "What is wrong, and what to do."),
    "outbox": ("health", "What is held or failed, and the decision about it."),
    "forget": ("cache", "Erase a person here, and keep them out."),
    "backup": ("cache", "Copy the cache while it is in use."),
    "sandbox": ("account", "Serve a HubSpot account on this machine."),
    "demo": ("account", "See it all work; no account needed."),
}


class Verbs(click.Group):
    """The verbs in the order of the way, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 the signature is click's
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's
        if cmd_name not in VERBS:
            return None
        found = getattr(import_module(f"connector.cli.{VERBS[cmd_name][0]}"), cmd_name)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, sentence) for verb, (_, sentence) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="connector")
def connector() -> None:
    """Qualifies the leads of a CRM by rules in plain files.

    CRM -pull-> cache -signals-> signals -score-> scores -stage-> stages -plan-> outbox -apply-> CRM

    `connector VERB --help` tells a verb's flags. Exit codes: 0 done, 1 done but rows were held or failed,
    2 bad command, settings or rules, 3 plan --exit-code found changes, 4 the CRM refused us or was
    unreachable, 5 another run is at work, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Runs a verb (of the process's command line, unless given) and leaves with its exit code."""
    said = sys.argv[1:] if args is None else list(args)
    try:
        sys.exit(connector.main(said, prog_name="connector", standalone_mode=False) or 0)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as wrong:
        _say(wrong, said)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; safe to run again", err=True)
        sys.exit(130)


def _say(wrong: click.ClickException, said: Sequence[str]) -> None:
    """A command that cannot be read: in words, or with --json as a document like any other."""
    if "--json" not in said:
        wrong.show()
        return
    from connector.views.result import Result

    context = wrong.ctx if isinstance(wrong, click.UsageError) else None
    verb = context.info_name if context and context.info_name in VERBS else ""
    fix = f"connector {verb} --help".replace("  ", " ")
    found = {"severity": "error", "code": "bad-command", "what": wrong.format_message(), "fix": fix}
    click.echo(Result(verb or "", "failed", diagnostics=[found]).json())
