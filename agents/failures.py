"""Why a model did not answer, in words: by the types in the chain of the error and its HTTP status.

An error's own text is never repeated. It is the other side's, and may hold a key or an address.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.answers import Unusable

_STATUS = {
    400: "it did not accept the request",
    401: "the key was refused",
    403: "this is not allowed with the key",
    404: "it does not know this model or address",
    413: "the facts were too long for it",
    422: "it did not accept the request",
    429: "too many calls",
    500: "it failed",
    502: "what is behind it failed",
    503: "it is not available",
    504: "what is behind it did not answer",
}
# By the name of a type: the clients that raise these need not be installed. The first row that fits any
# error of the chain counts, so causes stand before what wraps them.
_NAMES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"AnswerTooLong"}), "answered more than it may"),
    (frozenset({"ConnectionRefusedError"}), "refused the connection"),
    (frozenset({"gaierror"}), "has an address that no name server knows"),
    (frozenset({"SSLError", "SSLCertVerificationError"}), "has a certificate that is not trusted"),
    (frozenset({"TooManyCalls"}), "was not asked: too many earlier calls have not come back"),
    (frozenset({"CallCancelled"}), "broke the call off"),
    (frozenset({"JSONDecodeError", "ValidationError", "DecodingError"}), "answered what nobody can read"),
    (frozenset({"RemoteProtocolError", "NetworkError", "ConnectionResetError"}), "broke the connection off"),
    (frozenset({"APIConnectionError", "ModelConnectionError", "ConnectionError"}), "could not be reached"),
)  # fmt: skip
_TIMEOUTS = frozenset({"TimeoutError", "TimeoutException", "APITimeoutError", "ModelTimeoutError", "Timeout"})
_DEEPEST = 12


def in_words(error: BaseException, seconds: float) -> str:
    """`the model did not answer within 20 s`; one line, made of our own words alone."""
    chain = list(_chain(error))
    if isinstance(chain[0], Unusable):
        return f"the model {chain[0].words}"
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    if names & _TIMEOUTS:
        return f"the model did not answer within {seconds:g} s"
    status = next((code for each in chain if (code := _status(each))), 0)
    if status:
        words = _STATUS.get(status, "no answer of use")
        return f"the model's server answered {status}: {words}"
    for known, words in _NAMES:
        if known & names:
            return f"the model {words}"
    return f"the call of the model failed ({_name(error)})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(_DEEPEST):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _status(error: BaseException) -> int:
    code = getattr(error, "status_code", None)
    return code if isinstance(code, int) and 300 <= code <= 599 else 0


def _name(error: BaseException) -> str:
    name = type(error).__name__
    return name if name.isascii() and name.isidentifier() and len(name) <= 60 else "an error without a name"
