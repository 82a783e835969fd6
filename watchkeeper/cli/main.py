"""The `watchkeeper` command. Exit 0: done; 1: the answer is no; 2: wrong input or use. Never a traceback
for what a user did.

Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from core.errors import JournalCorrupt, NotFound, NotYetApplied, TransitionRefused, WatchkeeperError
from watchkeeper.cli.backtest import backtest
from watchkeeper.cli.dead_letters import dead_letters_app
from watchkeeper.cli.evals import SETTINGS as EVAL_SETTINGS
from watchkeeper.cli.evals import evaluate
from watchkeeper.cli.groups import catalog_app, journal_app, runbooks_app
from watchkeeper.cli.moving import MOVES
from watchkeeper.cli.options import (
    Catalogue,
    Data,
    Json,
    LevelsFile,
    OwnData,
    RoutesFile,
    Rules,
    RunbookDir,
    SendersFile,
    Sources,
    Url,
)
from watchkeeper.cli.risk import risk_app
from watchkeeper.cli.rules import rules_app
from watchkeeper.cli.safe import KEEPING
from watchkeeper.cli.silences import DISMISSING, silence_app
from watchkeeper.cli.slos import slos
from watchkeeper.cli.sources import sources_app

app = typer.Typer(
    name="watchkeeper",
    help="An incident copilot that keeps the watch when the LLM does not.\n\n"
    "Start with: watchkeeper serve --demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(journal_app, name="journal")
app.add_typer(catalog_app, name="catalog")
app.add_typer(runbooks_app, name="runbooks")
app.add_typer(rules_app, name="rules")
app.add_typer(risk_app, name="risk")
app.add_typer(sources_app, name="sources")
app.add_typer(silence_app, name="silence")
app.add_typer(dead_letters_app, name="dead-letters")

_ANSWER_IS_NO = (NotFound, JournalCorrupt, TransitionRefused, NotYetApplied)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app()
    except WatchkeeperError as error:
        sys.stderr.write(f"watchkeeper: {error}\n")
        sys.exit(1 if isinstance(error, _ANSWER_IS_NO) else 2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        sys.stderr.write(
            f"watchkeeper: {error.strerror or error}. Look at the disk and at where output goes\n"
        )
        _forget_output()
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001 - the outermost loop: a fault of ours must not end like the answer no
        traceback.print_exc()
        sys.stderr.write("watchkeeper: this is a fault of Watchkeeper's. Report it with the lines above\n")
        sys.exit(2)


def _forget_output() -> None:
    """What could not be written must not be tried again at the exit."""
    with suppress(OSError):
        sys.stdout.close()


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version")] = False) -> None:
    if version:
        from watchkeeper.version import VERSION

        typer.echo(f"watchkeeper {VERSION}")
        raise typer.Exit


@app.command()
def serve(
    data: OwnData = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one [8080]")] = None,
    catalog: Catalogue = None,
    rules: Rules = None,
    sources: Sources = None,
    senders: SendersFile = None,
    routes: RoutesFile = None,
    runbooks: RunbookDir = None,
    levels: LevelsFile = None,
    model: Annotated[str | None, typer.Option(help="Language model, as provider:name [none]")] = None,
    model_url: Annotated[str | None, typer.Option(help="Address of the model's API")] = None,
    retain_days: Annotated[
        int | None, typer.Option(min=0, help="Days that records are kept for; 0 keeps all [0]")
    ] = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Play recorded incidents")] = None,
) -> None:
    """Run the server: intake, engine, paging, console and API.

    Point Prometheus (as an Alertmanager) or Alertmanager (webhook http://HOST:PORT/alerts) at it.
    Every option can be a variable too: WATCHKEEPER_DATA, WATCHKEEPER_PORT and so on.
    """
    from watchkeeper.serve import serve as run
    from watchkeeper.settings import load_settings

    run(
        load_settings(
            data=data,
            host=host,
            port=port,
            catalogue=catalog,
            rules=rules,
            sources=sources,
            senders=senders,
            routes=routes,
            runbooks=runbooks,
            levels=levels,
            model=model,
            model_url=model_url,
            retain_days=retain_days,
            demo=demo,
        )
    )


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Event file or exported journal (JSON lines)")],
    as_json: Json = False,
    catalog: Catalogue = None,
    rules: Rules = None,
    sources: Sources = None,
) -> None:
    """Fold a recording or an exported journal and say what came of it. No server, clock or network."""
    from watchkeeper.cli import offline

    offline.replay(file, as_json, catalog, rules, sources)


@app.command()
def incidents(
    data: Data = None,
    url: Url = None,
    status: Annotated[
        str | None, typer.Option(help="open, triggered, acknowledged, mitigated, resolved, closed")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All that there are, whatever the limit")] = False,
    as_json: Json = False,
) -> None:
    """List incidents, what needs somebody first. Exit 1 when there are none."""
    from watchkeeper.cli import show

    show.incidents(data, url, status, None if everything else limit, as_json)


@app.command("show")
def show_incident(
    incident: Annotated[str, typer.Argument(help="An incident's id")],
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show an incident: what happened, what changed, where it comes from, what may help."""
    from watchkeeper.cli import show

    show.incident(incident, data, url, as_json)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="An incident's id, or an alert's fingerprint")],
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
    why_not: Annotated[
        str, typer.Option("--why-not", metavar="OTHER", help="Why it is not one with this incident or alert")
    ] = "",
) -> None:
    """Say why people were paged, why so severe, what joins its alerts, where it began, what nearly joined."""
    from watchkeeper.cli import explain as why

    why.explain(name, data, url, as_json, why_not)


@app.command()
def report(
    incident: Annotated[str, typer.Argument(help="An incident's id")],
    data: Data = None,
    url: Url = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write [standard output]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there")] = False,
) -> None:
    """Write an incident's report in Markdown: facts, timeline, why, past incidents, plan, what is unknown."""
    from watchkeeper.cli import show

    show.report(incident, data, url, out, force)


@app.command()
def memory(
    text: Annotated[str, typer.Argument(help="Words, such as a service, an alert's name or a symptom")],
    url: Url = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 5,
    as_json: Json = False,
) -> None:
    """Find incidents that are over, and runbooks, by words. Exit 1 when nothing is like them."""
    from watchkeeper.cli import show

    show.memory(text, url, limit, as_json)


@app.command()
def doctor(
    data: OwnData = None,
    url: Url = None,
    catalog: Catalogue = None,
    rules: Rules = None,
    ask_model: Annotated[bool, typer.Option("--ask-model", help="Ask the model one small question")] = False,
    sources: Sources = None,
    senders: SendersFile = None,
    routes: RoutesFile = None,
    runbooks: RunbookDir = None,
    levels: LevelsFile = None,
) -> None:
    """Check this machine, the files and the server; say how to mend what is wrong (then exit 1)."""
    from watchkeeper.cli.doctor import doctor as examine

    files = {"routes": routes, "runbooks": runbooks, "levels": levels}
    examine(data, url, catalog, rules, ask_model, sources, senders, **files)


for command in (*MOVES, *DISMISSING, *KEEPING, backtest, slos):
    app.command()(command)
app.command("eval", context_settings=EVAL_SETTINGS)(evaluate)


if __name__ == "__main__":
    main()
