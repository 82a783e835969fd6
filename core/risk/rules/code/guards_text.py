"""What a line of code says about who may call it: guards by name, refusals, doors that stand open.

Patterns for the usual frameworks; nothing here looks at more than one line.
"""

from __future__ import annotations

import re

from core.risk.rules.touched import finder

_WHO = (
    r"(?:auth(?!or)|log(?:ged)?_?in|jwt|token|permission|admin|role|scope|staff|superuser|owner|session|user)"
)
# A name that is asked to prove who calls, where a framework takes one.
_CHECKS = (
    rf"(?:(?:require|ensure|verify|check|must|validate|only|has|with|enforce|is|protect)s?_?\w{{0,20}}?{_WHO}"
    rf"|{_WHO}_?(?:only|required|guard|middleware|check|handler_func)|auth(?:enticated?|orized?|z|n)?!?\b"
    r"|authenticate|authorize|(?:get_)?current_?(?:active_?)?user|protect\b|jwt\b)"
)
_NOT_CHECKS = r"(?!\w{0,40}(?:rout|controller|service|client|config|provider|callback|url|login\b|logout))"
_ARGUMENT = rf"[,(\[]\s{{0,5}}:?&?(?:\w{{1,30}}\.)?{_NOT_CHECKS}{_CHECKS}\w{{0,30}}\s{{0,3}}[,()\]]"
_DECORATOR = finder(
    r"^\s{0,80}(?:@(?!Auth(?:or)?\b)(?:\w{1,40}\.){0,3}(?:\w{0,30}"
    r"(?:login|auth|authenticat\w{2}|jwt|token|permissions?|admin|roles?|scopes?|staff|session)_?required\b"
    rf"|require[sd]?_?\w{{0,20}}{_WHO}\w{{0,20}}|user_passes_test|staff_member_required|(?:Pre|Post)Authorize"
    r"|Secured|RolesAllowed|DenyAll|Authenticated|Authorized?|Roles|Permissions|Protected)\b"
    r"|@UseGuards\(.{0,200}(?:auth|jwt|role|permission|admin|owner|session|policy)"
    r"|@method_decorator\(.{0,120}\b(?:login_required|permission_required|staff_member_required"
    r"|user_passes_test)\b"
    # A list of such decorators, by itself.
    r"|(?:\w{0,40}decorators?\s{0,3}=\s{0,3})?[\[(]\s{0,3}(?:\w{1,40},\s{0,3}){0,3}"
    r"(?:login_required|staff_member_required|permission_required\()"
    r"|(?:#|<|@attribute\s{1,3})?\[(?:.{0,60},\s{0,3})?(?:Authorize\b|RequirePermission|RequiresRole"
    r"|HasPermission"
    r"|IsGranted\b|RequiredScope))"
)
_MACRO = finder(
    r"^\s{0,80}(?:prepend_)?(?:before_action|before_filter|plug)\b\s{0,3}\(?\s{0,3}:?"
    rf"(?!.{{0,40}}(?:csrf|forgery)){_CHECKS}"
    r"|^\s{0,80}(?:load_and_)?authorize_resource\b"
    r"|^\s{0,80}permission_classes\s{0,3}[=:]\s{0,3}[(\[](?!\s{0,3}(?:[)\]]|(?:permissions\.)?AllowAny))"
    r"|^\s{0,80}pipe_through\b.{0,80}(?:auth|require)"
    r"|(?:->|::)middleware\(\s{0,3}\[?\s{0,3}[\"'](?:auth|can:|role:|permission:|verified)"
    r"|\b(?:onRequest|preHandler|preValidation|middleware|dependencies)\s{0,3}[:=]\s{0,3}.{0,80}"
    r"(?:auth|require|login|admin|jwt)"
    r"|\.(?:RequireAuthorization|requireAuth\w{0,20}|authenticated|hasRole|hasAnyRole|hasAuthority)\("
    r"|\bclass\s{1,3}\w{1,100}\(.{0,100}(?:LoginRequired|PermissionRequired|UserPassesTest)Mixin"
    rf"|\b(?:Depends|Security)\(\s{{0,5}}(?:\w{{1,30}}\.){{0,2}}{_CHECKS}"
)
ROUTE = re.compile(
    r"\.(?:get|post|put|patch|delete|del|all|use|route|handle|handlefunc|group|any|with|method|map\w{3,6})\b"
    r"\s{0,3}\(\s{0,5}(?:[\"'`]([^\"'`\n]{0,200})[\"'`])?",
    re.IGNORECASE,
)
_IN_ROUTE = finder(
    rf"{_ARGUMENT}|\bpassport\.authenticate\(|\bauth\.(?:Middleware|required?|check|verify|protect)"
)
# Calls of others, which give a proof and ask for none.
_ASKS = finder(
    r"\b(?:client|axios|https?|requests|session|api|agent|httpx)\.(?:get|post|put|patch|delete|request)\("
)
_STATEMENT = finder(
    r"^\s{0,80}authorize!?(?:\s{1,3}[@:\w]|\(\s{0,3}[@:])|\$this->authorize\(|\bGate::authorize\("
    r"|denyAccessUnlessGranted\(|->authorizeResource\("
)
REFUSAL = finder(
    r"\braise\s{1,3}(?:\w{1,30}\.){0,2}(?:\w{0,30}(?:PermissionDenied|Forbidden|NotAuthorized|Unauthorized"
    r"|AccessDenied)\w{0,30})"
    r"|\b(?:raise|throw)\b.{0,40}\b(?:HTTPException|HttpError|createError)\(.{0,40}\b40[13]\b"
    r"|\babort(?:_if|_unless)?\(.{0,100}\b40[13]\b"
    r"|\.(?:status|sendStatus|code)\(\s{0,3}40[13]\s{0,3}\)|\bHTTP_40[13]_|\bStatus(?:Forbidden"
    r"|Unauthorized)\b"
    r"|\bthrow\b\s{0,3}(?:new\s{1,3})?\w{0,40}(?:Forbidden|Unauthori[sz]ed|AccessDenied|NotAuthori[sz]ed"
    r"|PermissionDenied)\w{0,40}\("
    r"|\breturn\s{1,3}(?:this\.)?(?:Forbid|Unauthorized|HttpResponseForbidden)\("
    r"|\bhead\s{1,3}:(?:forbidden|unauthorized)\b|\bHttpStatus\.(?:FORBIDDEN|UNAUTHORIZED)\b"
)
# A call that may well be what refuses now.
HELPER = finder(
    r"\b\w{0,40}(?:require|ensure|check|verif|assert|authori[sz]|enforce|guard|permit|allow|forbid"
    r"|den(?:y|ied)"
    r"|can_|policy|access)\w{0,40}!?\s{0,3}[(<]"
)
# Set once for all routes.
WIDE = finder(
    r"FallbackPolicy|AuthorizeFilter|LoginRequiredMiddleware|DEFAULT_PERMISSION_CLASSES|APP_GUARD"
    r"|useGlobalGuards|authorizeHttpRequests|authorizeRequests|\bRequireAuthorization\("
)
_WIDE_USE = finder(r"\.(?:use|group|with)\b\s{0,3}\(|\bdependencies\s{0,3}=")
OPEN = finder(
    r"^\s{0,80}(?:\[(?:.{0,60},\s{0,3})?AllowAnonymous\b|@PermitAll\b|@Public\(|@AllowAnonymous\b"
    r"|@Anonymous\b"
    r"|@allow_anonymous\b)"
    r"|\bpermission_classes\s{0,3}[=:]\s{0,3}[(\[]\s{0,3}(?:(?:permissions\.)?AllowAny|[)\]])"
    r"|\bskip_(?:before_action|before_filter|authorization_check)\b\s{0,3}\(?\s{0,3}:?"
    rf"(?!verify_authenticity){_CHECKS}"
    r"|\bskip_(?:load_and_)?authorize_resource\b|\bAllowAnonymous\(\)|->withoutMiddleware\(.{0,40}auth"
)
_EXCEPT = re.compile(r"\bexcept\s{0,3}(?::|=>)|->except\(|\bunless\s{0,3}:")
_PERMITS_ALL = re.compile(r"\.permitAll\(|\bpermitAll\s{0,3}\)|\.ignoring\(\)|::permitAll\b", re.IGNORECASE)
_ALL_OF_IT = finder(
    r"anyRequest\(\)\s{0,3}\.\s{0,3}permitAll|[\"']/(?:\*\*|api/\*\*|v\d/\*\*|(?:\w{1,30}/){0,3}(?:admin"
    r"|actuator"
    r"|internal|management|manage|private|backoffice|console)(?:/\*\*|/?[\"'*]))"
)
# Looked for first.
_WORDS = (
    "auth login log_in logged jwt token permission admin role scope staff superuser owner session "
    "user allow public permitall anonymous ignoring secured guard protect granted deny forbid denied "
    "401 403 tenant account customer middleware pipe_through"
)
WORDS = tuple(_WORDS.split())
# Doors that are meant to stand open.
_PUBLIC = finder(
    r"health|ready|readiness|alive|liveness|\bping|status|log_?-?(?:in|out)\b|login|sign_?-?(?:in|up|out)"
    r"|signup"
    r"|register|registration|webhook|web_hook|callback|public|metrics|robots|favicon|version|password"
    r"|oauth|oidc"
    r"|well_?-?known|static|assets|swagger|openapi|error|welcome|landing|home\b|about|sessions?_?controller"
    r"|\bsessions?\b|tokens?\b|captcha|csrf|docs\b"
)


def tells(text: str) -> bool:
    """Whether a line may be of any interest here: most are not."""
    low = text.lower()
    return any(word in low for word in WORDS)


def guards(text: str) -> bool:
    """Whether a line lets in only who may."""
    if not tells(text):
        return False
    if _DECORATOR(text) or _MACRO(text) or _STATEMENT(text):
        return not OPEN(text)
    found = ROUTE.search(text)
    if found is None or _ASKS(text) or not _IN_ROUTE(text):
        return False
    return "/" in (found[1] or "") or _WIDE_USE(text) is not None


def guards_all(text: str) -> bool:
    """Whether it is such a line for more than one route."""
    return WIDE(text) is not None or (_WIDE_USE(text) is not None and guards(text))


def opens(text: str) -> bool:
    """Whether it lets in anybody."""
    return tells(text) and OPEN(text) is not None


def excepts(text: str) -> bool:
    """Whether it names what it does not guard."""
    return _EXCEPT.search(text) is not None


def permits_all(text: str) -> bool:
    """Whether it lets anybody in to everything, or to what only those who run it should see."""
    return _PERMITS_ALL.search(text) is not None and _ALL_OF_IT(text) is not None


def is_public(text: str) -> bool:
    """Whether a path, a route or a name says that anybody may come in."""
    return _PUBLIC(text[-300:]) is not None
