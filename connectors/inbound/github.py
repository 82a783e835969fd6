"""Source github: what webhooks of a repository or an organisation tell of deployments, releases and merges.

The service is the repository's name. A push to the default branch is a change of kind configuration: it may
reach production or not. A deployment, a release and a workflow whose name says that it deploys are deploys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connectors.inbound.changes import NO_COMMIT, branch, commit_ref, deploys
from connectors.inbound.fields import Object, dig, document, first_text, ignored, link, needed, text
from connectors.inbound.moments import first_instant
from connectors.inbound.signing import verify_hex
from connectors.inbound.source import Request
from core.model.events import ChangeEvent, ChangeState, Parsed

name = "github"
summary = "GitHub's webhooks: deployments, releases, workflows, merges"
kept = ("x-github-event", "x-github-delivery")
proof = "HMAC-SHA256 of the body in X-Hub-Signature-256"
_MEND = "Send GitHub's webhook with the content type application/json"
_DEPLOYMENT: dict[str, ChangeState] = {
    "queued": "started", "pending": "started", "waiting": "started", "in_progress": "started",
    "success": "succeeded", "failure": "failed", "error": "failed",
}  # fmt: skip
_RUN: dict[str, ChangeState] = {
    "success": "succeeded", "failure": "failed", "timed_out": "failed", "startup_failure": "failed",
}  # fmt: skip


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_hex(request, secrets, "x-hub-signature-256", "sha256=")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    event = headers.get("x-github-event") or _kind(content)
    reader = _READERS.get(event)
    delivery = headers.get("x-github-delivery", "")
    if reader is None:
        about = f"GitHub's event {event!r}" if event else "an event of GitHub's"
        return ignored(f"{about}, which is no change of what runs", delivery)
    found = reader(content, received_at)
    return ignored(found, delivery) if isinstance(found, str) else Parsed((found,), delivery=delivery)


def _kind(content: Object) -> str:
    """Of a body without headers (a recording): by the keys that only such an event has."""
    return next((event for event, keys in _KEYS.items() if all(key in content for key in keys)), "")


def _repository(content: Object) -> tuple[str, str]:
    service = needed(text(content, "repository", "name"), "repository.name", _MEND)
    return service, first_text(text(content, "repository", "full_name"), service)


def _ping(content: Object, received_at: int) -> str:
    return "GitHub's ping"


def _push(content: Object, received_at: int) -> ChangeEvent | str:
    service, full = _repository(content)
    pushed, sha = branch(text(content, "ref")), text(content, "after")
    if not pushed or pushed != text(content, "repository", "default_branch"):
        return "a push that is not to the default branch"
    if content.get("deleted") is True or sha in ("", NO_COMMIT):
        return "a branch that was deleted"
    # Not the commit's time: it may be much older than its push.
    at = first_instant(dig(content, "repository", "pushed_at")) or received_at
    return ChangeEvent(
        kind="configuration", service=service, at=at, version=sha, state="succeeded", told_at=at,
        author=first_text(text(content, "sender", "login"), text(content, "pusher", "name")),
        url=link(content.get("compare")), ref=commit_ref(full, sha),
    )  # fmt: skip


def _pull_request(content: Object, received_at: int) -> ChangeEvent | str:
    service, full = _repository(content)
    pull = dig(content, "pull_request")
    if content.get("action") != "closed" or dig(pull, "merged") is not True:
        return "a pull request that was not merged"
    if text(pull, "base", "ref") != text(content, "repository", "default_branch"):
        return "a pull request that was not merged into the default branch"
    sha = text(pull, "merge_commit_sha")
    at = first_instant(dig(pull, "merged_at")) or received_at
    return ChangeEvent(
        kind="configuration", service=service, at=at, version=sha, state="succeeded", told_at=at,
        author=text(pull, "user", "login"), url=link(dig(pull, "html_url")), ref=commit_ref(full, sha),
    )  # fmt: skip


def _deployment(content: Object, received_at: int) -> ChangeEvent | str:
    service, full = _repository(content)
    deployment, status = dig(content, "deployment"), dig(content, "deployment_status")
    given = text(status, "state")
    state = _DEPLOYMENT.get(given, "") if status is not None else "started"
    if not state:
        return f"a deployment's status {given!r}, which is not an outcome"
    started = first_instant(dig(deployment, "created_at"))
    told = first_instant(dig(status, "updated_at"), dig(status, "created_at"), dig(deployment, "created_at"))
    links = (dig(status, "log_url"), dig(status, "target_url"), dig(content, "workflow_run", "html_url"))
    return ChangeEvent(
        kind="deploy", service=service, at=started or told or received_at, state=state, told_at=told or 0,
        environment=first_text(text(deployment, "environment"), text(status, "environment")),
        version=first_text(text(deployment, "sha"), text(deployment, "ref")),
        author=text(deployment, "creator", "login"), url=link(*links),
        ref=f"{full}/deployment/{text(deployment, 'id')}",
    )  # fmt: skip


def _workflow_run(content: Object, received_at: int) -> ChangeEvent | str:
    service, full = _repository(content)
    run, workflow = dig(content, "workflow_run"), dig(content, "workflow")
    file = first_text(text(run, "path"), text(workflow, "path")).rpartition("/")[2]
    if not deploys(text(workflow, "name"), text(run, "name"), file):
        return "a run of a workflow whose name and file do not say that it deploys"
    if text(run, "event").startswith("pull_request"):
        return "a run for a pull request"
    state = "started" if content.get("action") == "in_progress" else _RUN.get(text(run, "conclusion"), "")
    if not state:
        return "a run that has not begun, or that was cancelled or skipped"
    told = first_instant(dig(run, "updated_at")) or 0
    return ChangeEvent(
        kind="deploy", service=service, state=state, told_at=told, version=text(run, "head_sha"),
        at=first_instant(dig(run, "run_started_at"), dig(run, "created_at")) or told or received_at,
        author=first_text(text(run, "triggering_actor", "login"), text(run, "actor", "login")),
        url=link(dig(run, "html_url")),
        ref=f"{full}/run/{text(run, 'id')}/{text(run, 'run_attempt') or '1'}",
    )  # fmt: skip


def _release(content: Object, received_at: int) -> ChangeEvent | str:
    service, full = _repository(content)
    release = dig(content, "release")
    if content.get("action") != "published":
        return "a release that was not just published"
    at = first_instant(dig(release, "published_at"), dig(release, "created_at")) or received_at
    return ChangeEvent(
        kind="deploy", service=service, at=at, version=text(release, "tag_name"), state="succeeded",
        told_at=at, author=text(release, "author", "login"), url=link(dig(release, "html_url")),
        ref=f"{full}/release/{text(release, 'id')}",
    )  # fmt: skip


_READERS: dict[str, Callable[[Object, int], ChangeEvent | str]] = {
    "ping": _ping,
    "push": _push,
    "pull_request": _pull_request,
    "deployment": _deployment,
    "deployment_status": _deployment,
    "workflow_run": _workflow_run,
    "release": _release,
}
_KEYS: dict[str, tuple[str, ...]] = {
    "ping": ("zen", "hook"),
    "deployment_review": ("workflow_run", "since"),
    "check_run": ("check_run",),
    "workflow_job": ("workflow_job",),
    "deployment_status": ("deployment_status", "deployment"),
    "deployment": ("deployment", "action"),
    "workflow_run": ("workflow_run", "action"),
    "release": ("release", "action"),
    "pull_request": ("pull_request", "number"),
    "push": ("ref", "before", "after", "commits"),
}
