"""The words that the claim check knows: which of them need which facts, and which may not be used at all.

Tables, so that a new word is a new entry. All are lower-case; phrases are given with single spaces.
"""

from __future__ import annotations

from core.narrative.check.vocabulary import ORDINARY
from core.words import word_set

# What hedges a cause. Nothing in a bundle is a proven cause, so every cause is hedged.
HEDGES = word_set("""
    probably likely suspected suspect suspects suspicion may might could possibly apparently seems
    seem seemingly appears appear presumably perhaps probable possible
""")
# The effect stands before the phrase, the cause after it.
CAUSE_AFTER = (
    "because of", "because", "due to", "caused by", "owing to", "thanks to", "a result of", "the result of",
    "result of", "affected by", "hit by", "a consequence of", "consequence of", "triggered by",
    "brought about by", "brought down by",
    "taken down by", "broken by", "stems from", "stemmed from", "stem from", "results from", "resulted from",
    "attributed to", "explained by", "driven by", "induced by", "provoked by", "comes from", "came from",
    "as a result of", "on account of", "fixed by", "repaired by", "ended by", "solved by", "mended by",
    "suffers from", "suffered from", "suffer from", "suffering from", "goes back to", "went back to",
    "go back to", "dates back to", "went down with", "goes down with", "failed with", "fell with",
    "traced to",
    "traced back to", "points to", "pointed to", "tied to", "linked to", "related to", "rooted in",
)  # fmt: skip
# The cause stands before the phrase, the effect after it.
CAUSE_BEFORE = (
    "caused", "causes", "cause", "causing", "led to", "leads to", "leading to", "lead to", "resulted in",
    "results in", "resulting in", "triggered", "triggers", "trigger", "triggering", "broke", "breaks",
    "brought down", "took down", "takes down", "explains", "explained", "responsible for", "to blame for",
    "provoked", "induced", "the cause of", "root cause of", "root cause", "behind", "therefore", "hence",
    "thus",
    "consequently", "as a result", "the reason for", "reason", "culprit", "made", "affected", "hit",
    "knocked out",
    "ended it", "ended the", "ended its", "fixed", "fixes", "repaired", "repairs", "cured", "solved",
    "mended",
    r"(?:took|brought|dragged|knocked|pulled) (?=[\ue000-\uf8ff] (?:down|out|under|with|along))",
    "set off", "sets off", "set it off", "set this off", "set all of this off", "responsible", "to blame",
    "overwhelmed", "overloaded", "started it", "began it", "kicked off", "contributed to", "contributes to",
    "drove", "drives", "ended this", "put an end to", "spread to",
    "propagated to", "cascaded to", "dragged down",
)  # fmt: skip
# `X was affected` and `ana made the deploy` name no cause.
PASSIVE = frozenset(
    {"affected", "hit", "made", "fixed", "solved", "repaired", "mended", "explained", "triggered"}
)

# Order: True when what stands before the phrase came first.
ORDER: tuple[tuple[str, bool], ...] = (
    ("preceded by", False), ("followed by", True), ("later than", False), ("earlier than", True),
    ("prior to", True), ("ahead of", True), ("before", True), ("after", False), ("following", False),
    ("preceded", True), ("precedes", True), ("preceding", True), ("followed", False), ("follows", False),
    ("afterwards", True), ("then", True), ("later", True), ("earlier", False), ("subsequently", True),
)  # fmt: skip
# Times that nobody can check against a fact.
RELATIVE_TIMES = word_set("""
    ago yesterday today tonight tomorrow recently soon just
""")

NEGATIONS = word_set("""
    not no never none nobody nothing neither without cannot unknown unclear nowhere unlikely hardly
    withheld hidden unacknowledged unexplained lacks lacking lack impossible
""")
OVER = word_set("""
    resolved recovered over ended cleared fixed mitigated quiet solved finished closed stopped
    healthy normal ends end recovers recovery resolution repaired restored silent calm
""")
LIVE = word_set("""
    firing fires fire ongoing active continues continue persists persist unresolved open lasting
    continuing
""")
ACKNOWLEDGED = word_set("""
    acknowledged acknowledges acknowledge acked taken
""")
BEGIN = word_set("""
    began begin begins beginning start starts started starting first onset opened opening since
""")

CHANGE_WORDS = word_set("""
    deploy deploys deployed deployment deployments release released releases rollout change changes
    changed configuration config setting flag infrastructure rollback reverted version
""")
CHANGE_KINDS = {
    "deploy": ("deploy", "deploys", "deployed", "deployment", "deployments", "release", "released",
    "releases",
               "rollout"),
    "configuration change": ("configuration", "config", "setting"),
    "flag change": ("flag",),
    "infrastructure change": ("infrastructure",),
}  # fmt: skip
SYMPTOMS = {
    "errors": ("error", "errors", "erroneous", "exceptions", "exception"),
    "latency": ("slow", "slower", "slowly", "slowness", "latency", "latencies", "timeouts", "sluggish"),
    "down": ("down", "unreachable", "unavailable", "crashed", "outage", "dead", "offline"),
    "saturation": ("memory", "cpu", "disk", "full", "exhausted", "saturated", "saturation", "overloaded"),
    "queue": ("queue", "queues", "backlog", "lag"),
    "certificate": ("certificate", "certificates", "tls", "expired"),
    "traffic": ("traffic", "load"),
}
_CHANGES = (
    "suspect", "repair", "age", "author", "gap", "no-change", "elsewhere", "judged", "judged-for",
    "judged-lasting",
)  # fmt: skip
_PLANS = ("plan", "plan-questions", "plan-evidence", "plan-checklist", "plan-withheld", "no-plan")
_PASTS = ("past", "past-ending", "shared", "no-past", "recurrence")
# Words that a sentence may hold only when a fact of one of these kinds is cited.
TOPICS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("origin", "originated", "originates", "source", "culprit", "root"), ("origin", "no-origin")),
    (("fail", "fails", "failed", "failing", "failure", "failures"),
     ("trouble", "alert", "service-firing", "past", "past-ending", "shared")),
    (("suspect", "suspects", "suspicion", "suspicious"), ("suspect",)),
    (tuple(sorted(CHANGE_WORDS)), (*_CHANGES, *_PASTS[:3])),
    (("undone", "undo", "undid", "reverted", "revert", "rollback", "rolled"),
     ("repair", "plan", "past-ending", "judged-lasting")),
    (("severity",), ("severity",)),
    (("risk", "risks", "judged", "check", "checked"), ("judged", "judged-for", "judged-lasting")),
    (("plan", "plans", "runbook", "runbooks", "checklist", "steps", "step", "questions"), _PLANS),
    (("remembered", "similar", "resembles", "resembled", "alike", "match", "past"), _PASTS),
    (("return", "returned", "recurrence", "recurring", "recurs"), ("recurrence",)),
    (("again",), _PASTS),
    (("calls", "call", "called", "calling", "depends", "depend", "dependency", "dependencies", "caller",
      "callers", "upstream", "downstream"), ("edge", "elsewhere", "age", "no-change", "suspect")),
)  # fmt: skip
NEGATIVE_KINDS = word_set("""
    unacknowledged no-change no-origin no-plan no-past elsewhere unknown service-unknown plan-withheld
    judged-lasting
""")
# What no fact can hold.
UNFOUNDED = word_set("""
    production staging prod preprod
    harmless innocent unrelated irrelevant safe fine low minor trivial catastrophic restart restarting reboot
    rebooting data lost losing orders asleep engineer cloud kubernetes pods pod
    attack attacked attacker hacker hackers hacked breach breached malicious malware intrusion leak
    leaked corrupted corruption bug bugs customer customers user users revenue money loss hardware
    network dns database databases firewall vendor provider human restarted rebooted patched hotfix
    hotfixed scaled failover deleted dropped wiped blame mistake fault guilty everyone always
    bad badly wrong late dangerous risky noise noisy ignored ruled ignoring alone wait waits matter matters
    careless carelessly poorly mistaken unnecessary worse worst lowest highest outside identical executed
    carried done already better attention urgent worry control
    certainly definitely surely obviously guaranteed yesterday
""")
# Phrases of common words that say what no fact can hold: advice, plans done, spread.
DENIED = (
    "at work",
    "in hand",
    "same incident",
    "left alone",
    "may be closed",
    "can be closed",
    "no need",
    "need to",
    "needs? no",
    "needs? to",
    "ha(?:s|ve|d) to",
    "answers? for",
    "looked at by",
    "worked on",
    "working on",
    "work(?:s|ing)? on",
    "taken care",
    "care of",
    "more (?:suspect|suspicious|likely) than",
    "(?:spread|spreads|spreading|moved?|moves|moving|rippled?) from",
    "(?:propagated?|cascaded?|travelled|went|jumped) from",
    "(?:up|down)stream of",
    "went wrong",
    "at all",
    "nothing (?:left|more)",
    "falls? on",
    "fell on",
)
# Phrases that say that it still goes on.
LIVE_PHRASES = (
    "going on",
    "goes on",
    "under way",
    "in progress",
    "far from over",
    "keeps? (?:on )?(?:firing|failing|alerting)",
    "not yet over",
)
# A sentence tells; it does not tell the reader to do something.
INSTRUCTIONS = word_set("""
    please you your should must ought ensure recommend recommends suggest
    suggests advise advised let's immediately ignore disregard execute paste click visit download
    install
""")
IMPERATIVES = word_set("""
    run restart reboot execute roll rollback revert undo delete drop purge drain kill scale stop
    start apply click open visit call page notify ask tell check verify look see try make go do set
    change switch turn disable enable investigate contact escalate wait deploy redeploy fix use put
    send add remove clear flush increase decrease consider note remember confirm review monitor type
    enter write read follow
""")
COMMANDS = word_set("""
    kubectl helm docker podman systemctl service sudo su curl wget ssh scp git psql mysql sqlite
    redis-cli mongo aws gcloud az terraform ansible ansible-playbook bash sh zsh powershell cmd npm
    npx pip pip3 apt apt-get yum dnf brew rm chmod chown mkfs dd nc netcat ps pkill killall iptables
    crontab argocd istioctl vault consul nomad exec eval python python3 perl ruby node java make
""") - {"service", "make", "node"}
# All words that the tables know, and the units and numbers.
FAMILIAR = ORDINARY.union(
    HEDGES, NEGATIONS, OVER, LIVE, ACKNOWLEDGED, BEGIN, CHANGE_WORDS, *SYMPTOMS.values(),
    *(topic for topic, _ in TOPICS),
    *(phrase.split() for phrase in (*CAUSE_AFTER, *CAUSE_BEFORE) if phrase[0].isalpha()),
    *(phrase.split() for phrase, _ in ORDER),
    ["eleven", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
    "thirty", "percent"],
)  # fmt: skip
