"""GitHub's REST API on loopback, as far as the App uses it and as GitHub documents it.

It checks what GitHub checks: the App's signature, tokens, permissions of a method, 50 annotations a request,
100 rows a page. Faults can be planted: an answer that is lost after it was acted upon, 5xx, limits.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

APP_ID, INSTALLATION = 4711, 99
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
BASE, HEAD, START = "b" * 40, "a" * 40, "c" * 40


class Refusal(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.message, self.headers = status, message, headers or {}


@dataclass
class Repository:
    """`texts` by (path, commit); `files` are rows as GitHub lists them; `modes` of what is no plain file, by
    (path, commit). Of a link `texts` has what it points to, as GitHub has it."""

    name: str = "acme/shop"
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    texts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    tree: list[str] = field(default_factory=list)
    modes: dict[tuple[str, str], str] = field(default_factory=dict)
    truncated: bool = False
    compared: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    annotations: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)

    def pull(self, number: int, files: list[dict[str, Any]], **told: Any) -> None:
        self.files[number] = files
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "title": "Drop a column",
            "body": "",
            "html_url": f"https://github.com/{self.name}/pull/{number}",
            "changed_files": len(files),
            "base": {"sha": BASE, "ref": "main"},
            "head": {"sha": HEAD, "ref": "topic", "repo": {"fork": False}},
            **told,
        }


@dataclass
class Planted:
    """A fault for the next `times` requests of this method whose path has `part` in it."""

    method: str
    part: str
    kind: str
    times: int = 1
    seconds: int = 1


class FakeGitHub:
    """`with FakeGitHub() as github:` then `github.url`."""

    def __init__(self) -> None:
        self.repository = Repository()
        self.faults: list[Planted] = []
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.tokens_made = self.busy = self.most_busy = 0
        self.token_seconds = 3_600
        self._next = 1_000
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeGitHub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method: str, part: str, kind: str, times: int = 1, seconds: int = 1) -> None:
        self.faults.append(Planted(method, part, kind, times, seconds))

    def planted(self, method: str, path: str) -> Planted | None:
        for fault in self.faults:
            if fault.times and fault.method == method and fault.part in path:
                fault.times -= 1
                return fault
        return None

    def made(self, method: str, part: str) -> int:
        return sum(one == method and part in path for one, path in self.requests)

    def new_id(self) -> int:
        self._next += 1
        return self._next


def answer(github: FakeGitHub, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
    """Status and JSON, or bytes for a raw file. Raises Refusal."""
    repository = github.repository
    prefix = f"/repos/{repository.name}"
    if not path.startswith(f"{prefix}/"):
        raise Refusal(404, "Not Found")
    parts = path[len(prefix) + 1 :].split("/")
    for shape, act in _ROUTES.items():
        wanted_method, *wanted = shape.split(" ")[0:1] + shape.split(" ")[1].split("/")
        if wanted_method == method and _fits(wanted, parts):
            return act(github, repository, parts, query, body)
    raise Refusal(404, "Not Found")


def _fits(wanted: list[str], parts: list[str]) -> bool:
    if wanted[-1] == "*":
        return parts[: len(wanted) - 1] == wanted[:-1]
    return len(wanted) == len(parts) and all(
        one in ("{}", part) for one, part in zip(wanted, parts, strict=True)
    )


def _page(rows: list[Any], query: dict[str, str]) -> list[Any]:
    size = min(100, int(query.get("per_page", "30")))
    start = (int(query.get("page", "1")) - 1) * size
    return rows[start : start + size]


def _pull(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    if int(parts[1]) not in repo.pulls:
        raise Refusal(404, "Not Found")
    return 200, repo.pulls[int(parts[1])]


def _pulls(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    rows = [one for one in repo.pulls.values() if one["head"].get("label") == query["head"]]
    return 200, _page(rows, query)


def _files(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    return 200, _page(repo.files[int(parts[1])][:3_000], query)


def _commits(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    commit = {
        "message": "A change",
        "author": {"email": "Ada@example.com"},
        "committer": {"date": "2026-11-20T10:00:00Z"},
    }
    return 200, _page([{"sha": HEAD, "commit": commit}], query)


def _compare(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    return 200, {"merge_base_commit": {"sha": START}, "files": [], "commits": [], **repo.compared}


def _contents(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    text = repo.texts.get((unquote("/".join(parts[1:])), query["ref"]))
    if text is None:
        raise Refusal(404, "Not Found")
    return 200, text


def _tree(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    commit = parts[2]
    there = {path for path, at in (*repo.texts, *repo.modes) if at == commit} | set(repo.tree)
    paths = [path for path in sorted(there) if query.get("recursive") or "/" not in path]
    modes = {path: repo.modes.get((path, commit), "100644") for path in paths}
    kinds = {path: "commit" if mode == "160000" else "blob" for path, mode in modes.items()}
    rows = [{"path": path, "mode": modes[path], "type": kinds[path]} for path in paths]
    return 200, {"tree": rows, "truncated": repo.truncated}


def _run_rows(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    rows = [run for run in repo.runs if run["head_sha"] == parts[1] and run["name"] == query["check_name"]]
    return 200, {"total_count": len(rows), "check_runs": _page(rows, query)}


def _take_output(github: FakeGitHub, repo: Repository, run: dict[str, Any], body: dict[str, Any]) -> None:
    output = body.get("output", {})
    annotations = output.get("annotations", [])
    if len(annotations) > 50:
        raise Refusal(422, "Invalid request. No more than 50 annotations are allowed.")
    if len(output.get("summary", "")) > 65_535:
        raise Refusal(422, "Invalid request. summary is too long")
    held = repo.annotations.setdefault(run["id"], [])
    held += annotations
    run.update({key: value for key, value in body.items() if key != "output"})
    if output:
        run["output"] = {
            "title": output["title"],
            "summary": output["summary"],
            "annotations_count": len(held),
        }


def _new_run(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    run = {"id": github.new_id(), "app": {"id": APP_ID}, "output": {"annotations_count": 0}}
    _take_output(github, repo, run, body)
    repo.runs.append(run)
    return 201, run


def _edit_run(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    [run] = [one for one in repo.runs if one["id"] == int(parts[1])]
    _take_output(github, repo, run, body)
    return 200, run


def _comment_rows(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    return 200, _page([one for one in repo.comments if one["number"] == int(parts[1])], query)


def _new_comment(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    if len(body["body"]) > 65_536:
        raise Refusal(422, "body is too long")
    via = {"id": APP_ID}
    row = {
        "id": github.new_id(),
        "number": int(parts[1]),
        "body": body["body"],
        "performed_via_github_app": via,
        "user": {"login": "github-actions[bot]", "type": "Bot"},
    }
    repo.comments.append(row)
    return 201, row


def _edit_comment(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    [row] = [one for one in repo.comments if one["id"] == int(parts[2])]
    row["body"] = body["body"]
    return 200, row


def _deployments(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    rows = [one for one in repo.deployments if one["environment"] == query["environment"]]
    return 200, _page(rows, query)


def _statuses(
    github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any
) -> tuple[int, Any]:
    [row] = [one for one in repo.deployments if one["id"] == int(parts[1])]
    return 200, [{"state": row["state"]}]


def _commit(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    return 200, {"sha": parts[1], "parents": [{"sha": BASE}]}


def _review(github: FakeGitHub, repo: Repository, parts: list[str], query: Any, body: Any) -> tuple[int, Any]:
    if any(one["run"] == parts[2] for one in repo.reviews):
        raise Refusal(422, "Deployment protection rule is no longer pending")
    repo.reviews.append({"run": parts[2], **body})
    return 204, b""


_ROUTES: dict[str, Callable[..., tuple[int, Any]]] = {
    "GET pulls": _pulls,
    "GET pulls/{}": _pull,
    "GET pulls/{}/files": _files,
    "GET pulls/{}/commits": _commits,
    "GET compare/{}": _compare,
    "GET contents/*": _contents,
    "GET git/trees/{}": _tree,
    "GET commits/{}/check-runs": _run_rows,
    "GET commits/{}": _commit,
    "POST check-runs": _new_run,
    "PATCH check-runs/{}": _edit_run,
    "GET issues/{}/comments": _comment_rows,
    "POST issues/{}/comments": _new_comment,
    "PATCH issues/comments/{}": _edit_comment,
    "GET deployments": _deployments,
    "GET deployments/{}/statuses": _statuses,
    "POST actions/runs/{}/deployment_protection_rule": _review,
}


def _handler(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def _serve(self) -> None:
            place = urlsplit(self.path)
            size = int(self.headers.get("content-length", "0"))
            raw = self.rfile.read(size)
            with github.lock:
                github.busy += 1
                github.most_busy = max(github.most_busy, github.busy)
                github.requests.append((self.command, self.path))
                fault = github.planted(self.command, self.path)
            try:
                self._reply(place.path, dict(parse_qs(place.query)), raw, fault)
            finally:
                with github.lock:
                    github.busy -= 1

        do_GET = do_POST = do_PATCH = _serve

        def _reply(self, path: str, query: dict[str, list[str]], raw: bytes, fault: Planted | None) -> None:
            try:
                if fault is not None and fault.kind == "hang":
                    time.sleep(fault.seconds)
                elif fault is not None and fault.kind != "lost":
                    raise _refusal(fault)
                with github.lock:
                    status, content = self._acted(
                        path, {name: values[0] for name, values in query.items()}, raw
                    )
                headers: dict[str, str] = {}
            except Refusal as refusal:
                status, content, headers = refusal.status, {"message": refusal.message}, refusal.headers
            if fault is not None and fault.kind == "lost":
                self.close_connection = True
                self.connection.close()
                return
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _acted(self, path: str, query: dict[str, str], raw: bytes) -> tuple[int, Any]:
            given = self.headers.get("authorization", "").removeprefix("Bearer ")
            if path == f"/app/installations/{INSTALLATION}/access_tokens":
                check_signed(given)
                github.tokens_made += 1
                token = f"ghs_{github.tokens_made}"
                github.tokens.add(token)
                ends = time.gmtime(time.time() + github.token_seconds)
                return 201, {"token": token, "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", ends)}
            if given not in github.tokens:
                raise Refusal(401, "Bad credentials")
            return answer(github, self.command, path, query, json.loads(raw) if raw else None)

    return Handler


def _refusal(fault: Planted) -> Refusal:
    if fault.kind == "limit":
        reset = str(int(time.time()) + fault.seconds)
        return Refusal(
            403,
            "API rate limit exceeded",
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset},
        )
    if fault.kind == "secondary":
        words = "You have exceeded a secondary rate limit"
        return Refusal(403, words, {"retry-after": str(fault.seconds)})
    return Refusal(int(fault.kind), "planted")


def check_signed(token: str) -> None:
    """As GitHub does: RS256 of the App's key, at most ten minutes."""
    head, claims, signature = token.split(".")
    told = json.loads(_unpadded(claims))
    KEY.public_key().verify(
        _unpadded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    now = time.time()
    if json.loads(_unpadded(head))["alg"] != "RS256" or told["iss"] != str(APP_ID):
        raise Refusal(401, "A JSON web token could not be decoded")
    if not told["iat"] <= now < told["exp"] <= now + 600:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
