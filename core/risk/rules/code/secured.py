"""What keeps strangers' words from being obeyed or believed: commands, signatures of tokens, passwords.

A value in a shell counts where it is glued in; what is quoted for the shell or is a constant does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import is_code
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.code.hunks import Sides, hunks, mentions, says_nothing, sides
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, is_lower, judged, rules_of, shown

# What only those run who may run anything there.
_BY_HAND = finder(
    r"(?:^|/)(?:scripts?|bin|tools?|tooling|build|ci|dev|deploy\w{0,10}|ops|hack|releases?|cli|contrib"
    r"|benchmarks?"
    r"|\.github|lib/tasks)/|(?:^|/)(?:setup|fabfile|noxfile|conftest|manage|gulpfile|gruntfile|rakefile"
    r"|capfile"
    r"|webpack|vite|rollup|build)[\w.-]{0,30}\.\w{1,4}$|\.(?:rake|sh|bash|zsh|pl)$"
)
# A value that is put into a text: not a constant, a place, a number or a setting.
_FIXED = (
    r"(?!\s{0,3}(?:(?-i:[A-Z][A-Z0-9_]{1,60})\b|(?:int|float|len|Number|parseInt|process\.(?:env|cwd"
    r"|pid|exec\w+)"
    r"|os\.(?:getpid|getcwd|environ)|__dirname|__FILE__|__DIR__|sys\.|settings\.|Rails\.|ENV\b"
    r"|config\w{0,10}\b"
    r"|shlex\.|quote|shell_?quote|escape|shellescape|Shellwords|escapeshell\w{3})|[\w.]{0,60}(?:\.pid\b"
    r"|shellescape|quoted|escaped)))"
)
_PY = (
    rf"(?:[rR]?f[rR]?[\"']{{1,3}}[^\n]{{0,300}}?(?<!\{{)\{{{_FIXED}[A-Za-z_]|[\"'][^\"'\n]{{0,300}}[\"']\s{{0,3}}"
    rf"(?:\+\s{{0,3}}{_FIXED}[A-Za-z_]|%\s{{0,3}}\(?{_FIXED}[A-Za-z_]|\.format\({_FIXED}))"
)
_JS = rf"(?:`[^`\n]{{0,300}}?\$\{{{_FIXED}|[\"'][^\"'\n]{{0,300}}[\"']\s{{0,3}}\+\s{{0,3}}{_FIXED}[A-Za-z_])"
_RB = rf"[^\n`]{{0,300}}?#\{{{_FIXED}"
_PHP = (
    rf"(?:\"[^\"\n]{{0,300}}?(?:\{{\$|\$){_FIXED}[a-z_]|[\"'][^\"'\n]{{0,300}}[\"']"
    rf"\s{{0,3}}\.\s{{0,3}}{_FIXED}\$)"
)
# A shell only where it says so.
_PY_RUN = rf"\b(?:run|call|check_call|check_output|Popen)\(\s{{0,3}}{_PY}"
_BY_SHELL = finder(r"\bshell\s{0,3}=\s{0,3}True\b")
_SHELLS = (
    ((".py",), rf"\bos\.(?:system|popen)\(\s{{0,3}}{_PY}|\bsubprocess\.get(?:status)?output\(\s{{0,3}}{_PY}"),
    ((".py",), _PY_RUN),
    ((".py",), rf"\bcreate_subprocess_shell\(\s{{0,3}}{_PY}"),
    (
        (".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx"),
        rf"(?:(?<![.\w])|\b(?:child_process|childProcess|cp)\.)exec(?:Sync|Async|P)?\(\s{{0,3}}{_JS}",
    ),
    (
        (".rb",),
        rf"(?:^|[=(\s])`{_RB}|(?<![.\w])(?:system|exec|spawn|IO\.popen|Open3\.\w{{1,20}})\s{{0,3}}\(?\s{{0,3}}\"[^\"\n]{{0,300}}?#\{{{_FIXED}|%x[({{\[]{_RB}",
    ),
    ((".php",), rf"(?<![>:\w])(?:shell_exec|exec|passthru|system|popen|proc_open)\(\s{{0,3}}{_PHP}"),
    (
        (".go",),
        r"\bexec\.Command(?:Context)?\((?:[\w.()]{1,40},\s{0,3})?\"(?:/bin/)?(?:ba)?sh\",\s{0,3}\"-l?c\",\s{0,3}(?:fmt\.Sprintf\(|\"[^\"\n]{0,300}\"\s{0,3}\+)",
    ),
    (
        (".java", ".kt", ".scala", ".groovy"),
        r"(?:\bRuntime\.getRuntime\(\)|\bruntime)\.exec\(\s{0,3}(?:\"[^\"\n]{0,300}\"\s{0,3}\+|String\.format\(|\"[^\"\n]{0,300}\$[{a-z])|\bProcessBuilder\(\s{0,3}\"(?:/bin/)?(?:ba)?sh\",\s{0,3}\"-c\",\s{0,3}\"[^\"\n]{0,300}(?:\"\s{0,3}\+|\$[{a-z])",
    ),
    (
        (".cs",),
        r"\bProcess\.Start\(\s{0,3}\"(?:cmd|/bin/(?:ba)?sh|powershell)[^\"]{0,10}\",\s{0,3}(?:\$\"[^\"\n]{0,300}\{|\"[^\"\n]{0,300}\"\s{0,3}\+)",
    ),
)
_GLUED = tuple((ends, re.compile(pattern)) for ends, pattern in _SHELLS)
_RAN = finder(
    r"\bsubprocess\.|\bexecFile\w{0,5}\(|\bspawn\w{0,5}\(|\bsystem\(|\bOpen3\.|\bexec\.Command"
    r"|ProcessBuilder"
    r"|escapeshell\w{3}|shellescape|shlex\.|\bproc_open\(|Process\("
)
_SHELL_WORDS = (
    "system",
    "popen",
    "subprocess",
    "shell",
    "exec",
    "spawn",
    "run(",
    "call(",
    "`",
    "%x",
    "output(",
    "start(",
    "processbuilder",
)
_OBEYED = (
    "Words that come in are run by a shell here: what stands in them after `;` or in `$( )` is a command."
)
_AS_LIST = "Give the program and its arguments as a list, without a shell, or quote each value for it."

_OFF = finder(
    r"\bJWT\.decode\(.{1,200},\s{0,3}false\b|[\"']?\bverify_signature[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}false\b"
    r"|\bjwt\.decode\(.{0,300}\bverify\s{0,3}=\s{0,3}False|\balgorithms?[\"']?\s{0,3}(?:[:=]"
    r"|=>)\s{0,3}\[?[^\]\n]{0,80}[\"']none[\"']"
    r"|\bAlgorithm\.none\(|UnsafeAllowNoneSignatureType|\bsetSkipSignatureVerification\("
    r"|\b(?:ValidateIssuerSigningKey|RequireSignedTokens)\s{0,3}=\s{0,3}false\b"
    r"|\bAllowInsecureAlgorithms\b.{0,5}true"
)
_PEEKS = finder(
    r"\bjwt\.decode\(|\bjwt_?decode\(|\bdecodeJwt\(|\bParseUnverified\(|\bget_unverified_claims\("
    r"|\bparseClaimsJwt\("
    r"|\bReadJwtToken\(|\bparseUnsecuredClaims\(|\bJWT\.decode\([^,]{1,100}\)|\bSignedJWT\.parse\("
)
_CHECKED = finder(
    r"\bjwt\.verify\(|\bjwtVerify\(|\bverifyIdToken\(|\bParseWithClaims\(|\bparseClaimsJws\("
    r"|\bparseSignedClaims\("
    r"|\bValidateToken(?:Async)?\(|\bverify_(?:jwt|token|oauth2_token|firebase_token)\(|\.verify\("
    r"|\bJWT\.decode\([^,]{1,100},[^,]{1,100}(?:,\s{0,3}true|\))"
    r"|\bjwt\.decode\([^,]{1,100},\s{0,3}[^,]{1,100},.{0,200}\balgorithms\b|\bJWT::decode\(|\bjwt\.Parse\("
)
_ASKS_NOT = "The signature of a token is not checked here: anybody can write one that says who he is."
_SIGNED = "Check the signature with the issuer's key and a list of algorithms, before any claim is read."

_SLOW = finder(
    r"\bpassword_(?:hash|verify)\(|bcrypt|argon2|scrypt|pbkdf2|\b(?:make_password|check_password"
    r"|generate_password_hash"
    r"|check_password_hash)\(|Rfc2898DeriveBytes|PasswordEncoder|has_secure_password|Hash::(?:make|check)\("
)
_FAST = finder(
    r"(?<![\w>])(?:md5|sha1|sha256|sha512|crc32)\(|\bhash\(\s{0,3}[\"'](?:md5|sha\d{1,3})[\"']"
    r"|\bhashlib\.(?:md5|sha\d{1,3}|new)\("
    r"|\bDigest::(?:MD5|SHA\d{1,3})|\bcreateHash\(|\bMessageDigest\.getInstance\(|\b(?:md5|sha1|sha256"
    r"|sha512)\.(?:Sum\d{0,3}|New)\w{0,5}\("
    r"|\b(?:MD5|SHA1|SHA256|SHA512)\.(?:Create|HashData)\(|\b(?:DigestUtils|Hashing)\.(?:md5"
    r"|sha)\w{0,10}\(|:crypto\.hash\("
    r"|\b(?:Unsalted)?(?:MD5|SHA1)PasswordHasher\b|\b(?:NoOp|Md4|MessageDigest|Standard)PasswordEncoder\b"
)
_OF_PASSWORD = finder(r"passw|passphrase|\bpwd\b|(?:^|[^a-z])pw(?:[^a-z]|$)|\bplain(?:text)?\b")
_OTHER_THAN = finder(r"token|api_?key|etag|checksum|cache|hibp|breach|pwned|finger")
_CALL = re.compile(r"\bpassword_(?:hash|verify)\(", re.IGNORECASE)
_GUESSED = (
    "Passwords are hashed by what is made to be fast: whoever gets the table guesses them by the billion."
)
_STRONG = "Keep a slow hash with a salt for passwords (argon2id, scrypt, bcrypt), with the work that it had."
_WORDS = ("jwt", "verify", "signature", "signed", "signing", "none", "unverified", "unsecured")
_LONGEST_CALL, _MOST_CALLS = 600, 1_000
_LONGEST_TOKEN = 500
_HASHES = ("md5", "sha", "hash", "digest", "password")


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, is_code, gone=False):
        if is_lower(file.path):
            continue
        shells = [pattern for ends, pattern in _GLUED if file.path.lower().endswith(ends)]
        if shells and not _BY_HAND(file.path[-300:]) and mentions(file.added, _SHELL_WORDS):
            yield from _glued(file, shells)
        if mentions(file.added, _WORDS):
            yield from _unverified(file, _cut(sides(file)))
        if file.removed and mentions(file.added, _HASHES):
            yield from _weak(file)


def _glued(file: TouchedFile, shells: list[re.Pattern[str]]) -> Iterator[Match]:
    """Once for a file; what was glued before stays as it was."""
    left = _MOST_CALLS
    for hunk in hunks(file):
        if any(
            one.search(line.text[:_LONGEST_CALL]) for line in hunk.removed[:_MOST_CALLS] for one in shells
        ):
            continue
        for at, line in enumerate(hunk.added):
            if left <= 0 or not mentions((line,), _SHELL_WORDS) or says_nothing(line.text):
                continue
            left -= 1
            # A call may go on below.
            call = " ".join(one.text.strip() for one in hunk.added[at : at + 6])[:_LONGEST_CALL]
            if not any(_glues(one, call, len(line.text.strip())) for one in shells):
                continue
            level: Level = "high" if any(_RAN(old.text) for old in hunk.removed) else "medium"
            text = shown(line.text)
            yield Match("code-shell-built", level, _OBEYED, _AS_LIST, file.path, line.number, text)
            return


def _glues(pattern: re.Pattern[str], call: str, first: int) -> bool:
    """Whether a call that begins in the first so many characters glues a value in."""
    found = pattern.search(call)
    if found is None or found.start() > first:
        return False
    return pattern.pattern != _PY_RUN or _BY_SHELL(call) is not None


def _cut(both: Sides) -> Sides:
    """The lines that name a token or a check, cut."""
    new, old = (
        tuple(Line(one.number, one.text[:_LONGEST_TOKEN]) for one in lines if mentions((one,), _WORDS))
        for lines in both
    )
    return Sides(new[:_MOST_CALLS], old[:_MOST_CALLS])


def _unverified(file: TouchedFile, both: Sides) -> Iterator[Match]:
    checked = [line for line in both.old if _CHECKED(line.text) and not _OFF(line.text)]
    checks = [line for line in both.new if _CHECKED(line.text) and not _OFF(line.text)]
    off = next((line for line in both.new if _OFF(line.text)), None)
    if off is not None and not any(_OFF(line.text) for line in both.old):
        # Claims that are read to choose the key are checked below.
        if checks:
            return
        level: Level = "high" if both.old else "medium"
    else:
        off = next((line for line in both.new if _PEEKS(line.text)), None) if checked else None
        level = "high"
        if checks:
            return
    if off is not None:
        text = shown(off.text)
        yield Match("code-token-unverified", level, _ASKS_NOT, _SIGNED, file.path, off.number, text)


def _weak(file: TouchedFile) -> Iterator[Match]:
    both = sides(file)
    if not both.said(_SLOW) or any(_SLOW(_FAST_NAMES.sub("", line.text)) for line in both.new):
        return
    about = _OF_PASSWORD(file.path[-100:]) is not None
    for line in both.new:
        if not _FAST(line.text) or _OTHER_THAN(line.text):
            continue
        if about or _OF_PASSWORD(_CALL.sub("", line.text)):
            text = shown(line.text)
            yield Match("code-password-weak", "high", _GUESSED, _STRONG, file.path, line.number, text)
            return


# Of a name that says both.
_FAST_NAMES = re.compile(r"\b(?:NoOp|Md4|MessageDigest|Standard)PasswordEncoder\b")

_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-shell-built",
        "A shell is given words that come in",
        "Whoever chooses the words chooses what the server runs.",
        "CWE-78, OS command injection: https://cwe.mitre.org/data/definitions/78.html",
    ),
    _rule(
        "code-token-unverified",
        "A token is believed without its signature",
        "What it says of who asks is then what whoever wrote it wanted.",
        "RFC 8725, JSON Web Token best current practices: https://www.rfc-editor.org/rfc/rfc8725",
    ),
    _rule(
        "code-password-weak",
        "Passwords are hashed by a fast hash",
        "A table of them is lost sooner or later, and then only the work of a guess protects anybody.",
        "OWASP, Password storage: "
        "https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html",
    ),
)
