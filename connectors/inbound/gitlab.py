"""Source gitlab: what GitLab's webhooks tell of deployments, pipelines, releases, merges and flags.

The service is the last part of the project's path. Events of GitLab CI repeat one another: a deployment event
and the pipeline that ran it are two changes, so send one of the two (the page says which).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connectors.inbound.changes import NO_COMMIT, branch, commit_ref, deploys, tag
from connectors.inbound.fields import Object, dig, document, first_text, ignored, link, needed, objects, text
from connectors.inbound.moments import first_instant, instant
from connectors.inbound.signing import standard_webhooks
from connectors.inbound.source import Request
from connectors.inbound.tokens import verify_token
from core.model.events import ChangeEvent, ChangeState, Parsed

name = "gitlab"
summary = "GitLab's webhooks: deployments, pipelines, releases, merges, flags"
kept = ("idempotency-key", "webhook-id", "x-gitlab-event-uuid")
proof = "Standard Webhooks with the signing token, else the secret token in X-Gitlab-Token"
_MEND = "Send GitLab's webhook of a project or a group"
_STATES: dict[str, ChangeState] = {
    "created": "started", "running": "started", "success": "succeeded", "failed": "failed",
}  # fmt: skip
_RAN = ("running", "success", "failed")


def verify(request: Request, secrets: Sequence[str]) -> None:
    if "webhook-signature" in request.headers:
        standard_webhooks(request, secrets)
    else:
        verify_token(request, secrets, "X-Gitlab-Token")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    delivery = first_text(*(headers.get(key, "") for key in kept))
    kind = first_text(text(content, "object_kind"), text(content, "event_name"))
    reader = _READERS.get(kind)
    if reader is None:
        about = f"GitLab's event {kind!r}" if kind else "an event of no known kind"
        return ignored(f"{about}, which is no change of what runs", delivery)
    found = reader(content, received_at)
    return ignored(found, delivery) if isinstance(found, str) else Parsed((found,), delivery=delivery)


def _project(content: Object) -> tuple[str, str]:
    """The service, and the project's whole path."""
    whole = text(content, "project", "path_with_namespace")
    service = first_text(whole.rpartition("/")[2], text(content, "project", "name"))
    return needed(service, "project.path_with_namespace", _MEND), first_text(whole, service)


def _author(content: Object) -> str:
    return first_text(
        text(content, "user", "username"), text(content, "user_username"), text(content, "user", "name")
    )


def _deployment(content: Object, received_at: int) -> ChangeEvent | str:
    service, whole = _project(content)
    given = text(content, "status")
    if given not in _STATES:
        return f"a deployment's status {given!r}, which is not an outcome"
    told = instant(content.get("status_changed_at"))
    return ChangeEvent(
        kind="deploy", service=service, at=told or received_at, told_at=told or 0, state=_STATES[given],
        environment=text(content, "environment"), author=_author(content),
        version=first_text(text(content, "commit_url").rpartition("/")[2], text(content, "short_sha")),
        url=link(content.get("deployable_url"), content.get("commit_url")),
        ref=f"{whole}/deployment/{text(content, 'deployment_id')}",
    )  # fmt: skip


def _pipeline(content: Object, received_at: int) -> ChangeEvent | str:
    service, whole = _project(content)
    about = dig(content, "object_attributes")
    jobs = [job for job in objects(content.get("builds")) if text(job, "status") in _RAN]
    jobs = [job for job in jobs if deploys(text(job, "stage"), text(job, "name"))]
    if not jobs or text(about, "source").startswith("merge_request"):
        return "a pipeline of which no job that ran deploys"
    given = text(about, "status")
    if given not in _RAN:
        return f"a pipeline's status {given!r}, which is not an outcome"
    told = first_instant(dig(about, "finished_at"), dig(about, "created_at"))
    begun = first_instant(*(job.get("started_at") for job in jobs), dig(about, "created_at"))
    number = text(about, "id")
    return ChangeEvent(
        kind="deploy", service=service, at=begun or told or received_at, told_at=told or 0,
        state=_STATES[given], environment=text(jobs[0], "environment", "name"), author=_author(content),
        version=text(about, "sha"), ref=f"{whole}/pipeline/{number}",
        url=link(dig(about, "url"), f"{text(content, 'project', 'web_url')}/-/pipelines/{number}"),
    )  # fmt: skip


def _merge_request(content: Object, received_at: int) -> ChangeEvent | str:
    service, whole = _project(content)
    about = dig(content, "object_attributes")
    if text(about, "action") != "merge" or text(about, "state") != "merged":
        return "a merge request that was not just merged"
    if text(about, "target_branch") != text(content, "project", "default_branch"):
        return "a merge request that was not merged into the default branch"
    at = first_instant(dig(about, "merged_at"), dig(about, "updated_at")) or received_at
    sha = first_text(text(about, "merge_commit_sha"), text(about, "last_commit", "id"))
    return ChangeEvent(
        kind="configuration", service=service, at=at, told_at=at, state="succeeded", version=sha,
        author=_author(content), url=link(dig(about, "url")), ref=commit_ref(whole, sha),
    )  # fmt: skip


def _push(content: Object, received_at: int) -> ChangeEvent | str:
    service, whole = _project(content)
    reference, sha = text(content, "ref"), text(content, "after")
    if sha in ("", NO_COMMIT):
        return "a branch or tag that was deleted"
    tagged = tag(reference)
    if not tagged and branch(reference) != text(content, "project", "default_branch"):
        return "a push that is not to the default branch"
    commits = objects(content.get("commits"))
    last = next((commit for commit in commits if text(commit, "id") == sha), {})
    # A push has no time of its own, and a commit may be much older than its push.
    return ChangeEvent(
        kind="configuration", service=service, at=received_at, state="succeeded", version=tagged or sha,
        author=_author(content), url=link(last.get("url")),
        ref=f"{whole}/tag/{tagged}@{sha}" if tagged else commit_ref(whole, sha),
    )  # fmt: skip


def _release(content: Object, received_at: int) -> ChangeEvent | str:
    service, whole = _project(content)
    if text(content, "action") != "create":
        return "a release that was not just made"
    at = first_instant(content.get("released_at"), content.get("created_at")) or received_at
    return ChangeEvent(
        kind="deploy", service=service, at=at, told_at=at, state="succeeded", version=text(content, "tag"),
        url=link(content.get("url")), ref=f"{whole}/release/{text(content, 'id')}",
    )  # fmt: skip


def _feature_flag(content: Object, received_at: int) -> ChangeEvent | str:
    """It has neither a time nor an id of this one change: each message is a change, at its arrival."""
    service, _ = _project(content)
    flag = needed(text(content, "object_attributes", "name"), "object_attributes.name", _MEND)
    active = dig(content, "object_attributes", "active") is True
    return ChangeEvent(
        kind="flag", service=service, at=received_at, state="succeeded", author=_author(content),
        version=f"{flag}={'on' if active else 'off'}",
        url=link(f"{text(content, 'project', 'web_url')}/-/feature_flags"),
    )  # fmt: skip


_READERS: dict[str, Callable[[Object, int], ChangeEvent | str]] = {
    "deployment": _deployment,
    "pipeline": _pipeline,
    "merge_request": _merge_request,
    "push": _push,
    "tag_push": _push,
    "release": _release,
    "feature_flag": _feature_flag,
}
