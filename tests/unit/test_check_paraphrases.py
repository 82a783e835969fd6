"""Clean sentences in other words than the templates': the check lets true ones pass.

`[trouble:payments]` stands for the number of the fact of that kind that knows that name; slots likewise.
"""

from __future__ import annotations

import re
from functools import lru_cache

from core.narrative.check import check
from core.narrative.facts import Bundle, fact_bundle
from tests.narrated import PAST, documents, whole
from tests.timeline import SHOP, Timeline, alert


def numbered(bundle: Bundle, sentence: str) -> str:
    def find(match: re.Match[str]) -> str:
        kind, name = match[2], match[3] or ""
        found = [f for f in bundle.of(kind) if name in ("", f.subject, f.object, f"{f.subject}>{f.object}")]
        return f"{match[1]}{found[0].id}{match[4]}" if found else match[0]

    return re.sub(r"([\[{])([a-z-]+)(?::([\w.=>-]+))?([\].])", find, sentence)


@lru_cache(maxsize=1)
def over() -> Bundle:
    return fact_bundle(whole("bad-deploy"), PAST)


@lru_cache(maxsize=1)
def going_on() -> Bundle:
    """The bad deploy while everything fires and nobody has acknowledged."""
    found = [d for d in documents() if len(d["alerts"]) == 5 and d["status"] == "triggered"]
    return fact_bundle(
        next(d for d in found if d["origin"]["service"] == "payments" and len(d["changes"]) == 2)
    )


@lru_cache(maxsize=1)
def dead() -> Bundle:
    return fact_bundle(whole("dead-dependency"), ())


@lru_cache(maxsize=1)
def by_hand() -> Bundle:
    """Acknowledged and resolved by people; two alerts of one service, no change ever reported."""
    timeline = Timeline(SHOP)
    timeline.push(
        0, alert("payments"), alert("checkout", starts=20), alert("payments", "SlowRequests", starts=90)
    )
    [incident] = timeline.incidents()
    timeline.move(120, incident["id"], "acknowledged", "ana")
    timeline.move(600, incident["id"], "resolved", "bo")
    return fact_bundle(timeline.incidents()[0])


OVER = (
    "The incident started at {started.at} [started].",
    "It started at 04:25 UTC [started].",
    "On 2026-11-21 at 04:25:16 UTC the incident began [started].",
    "The incident has severity P0 [severity].",
    "Severity is {severity.object} [severity].",
    "Five alerts on five services were seen [alerts][services].",
    "In total 5 alerts were raised across 5 services [alerts][services].",
    "The probable origin is payments [origin].",
    "payments, with a score of 874/1000, is the most likely origin [origin].",
    "Most likely the trouble started in payments, which first alerted at 04:25:16 UTC"
    " [origin][trouble:payments].",
    "payments reported errors from {trouble:payments.clock} on [trouble:payments].",
    "The first alert of checkout, HighErrorRatio, came at 04:25:18 UTC [trouble:checkout].",
    "checkout and subscriptions both call payments [edge:checkout>payments][edge:subscriptions>payments].",
    "Subscriptions depends on payments [edge:subscriptions>payments].",
    "payments is called by subscriptions [edge:subscriptions>payments].",
    "A deploy of payments to version 2.4.0 went out at 04:25:08 UTC, shortly before payments began to alert"
    " [suspect:2.4.0][trouble:payments].",
    "lena deployed payments 2.4.0 about 8 seconds before its first alert"
    " [suspect:2.4.0][author:lena][age:payments].",
    "The deploy of payments 2.4.0 is the prime suspect [suspect:2.4.0].",
    "The errors in payments were probably caused by the deploy of 2.4.0 [suspect:2.4.0][trouble:payments].",
    "Release 2.4.0 of payments likely broke payments [suspect:2.4.0][trouble:payments].",
    "checkout probably failed because payments, which it calls, failed"
    " [trouble:payments][trouble:checkout][edge:checkout>payments].",
    "The failures of payments may have led to alerts on storefront [trouble:payments][trouble:storefront].",
    "A configuration change of inventory by tomasz (cache-seconds=30) came 50 s before the first alert of"
    " storefront"
    " [suspect:cache-seconds=30][author:tomasz][age:storefront].",
    "payments 2.3.9 was deployed at 04:27:08 UTC, and the last alert of payments ended 14 s later"
    " [repair:2.3.9][gap].",
    "The deploy of payments 2.3.9 probably ended it [repair:2.3.9].",
    "The alerts of payments ended at 04:27:22 UTC [end:payments].",
    "storefront recovered at {end:storefront.clock} [end:storefront].",
    "The incident was resolved after 7 minutes [duration].",
    "It is over: all was resolved at 04:32 UTC [resolved].",
    "The incident lasted about seven minutes and is now resolved [duration][resolved].",
    "None of its alerts is firing any more [firing].",
    "A similar incident, INC-20260901-ABCDEF, matched with 82 % [past:INC-20260901-ABCDEF].",
    "INC-20260901-ABCDEF is the past incident most like this one [past:INC-20260901-ABCDEF].",
    "The best plan is {plan.subject}, which comes with 5 questions [plan][plan-questions].",
    'The alert "HighErrorRatio" fired on mobile-api at 04:25:18 UTC [trouble:mobile-api].',
    "All of this happened in production [place].",
    "At {started.clock}, the incident began with payments as its probable origin [started][origin].",
    "The P0 incident touched 5 services, with 5 alerts in total [severity][services][alerts].",
    "Its probable origin is payments, which had HighErrorRatio alerts from 04:25:16 UTC"
    " [origin][trouble:payments].",
    "A deploy of payments ({suspect:2.4.0.object}) by lena preceded the first alert of payments by"
    " {age:payments.value} [suspect:2.4.0][author:lena][age:payments].",
    "The deploy of payments 2.4.0 is suspected to have caused the incident"
    " [suspect:2.4.0][trouble:payments].",
    "storefront and mobile-api, which call checkout, were affected as well"
    " [edge:storefront>checkout][edge:mobile-api>checkout].",
    "All alerts have ended and the incident is resolved [resolved][firing].",
    "The incident was resolved automatically at 04:32:25 UTC, once its alerts had been quiet [resolved].",
    "payments was redeployed with 2.3.9 at 04:27:08 UTC [repair:2.3.9].",
    "A later deploy of payments, 2.3.9, probably ended the incident [repair:2.3.9].",
    "It resembles INC-20260901-ABCDEF (match 82 %) [past:INC-20260901-ABCDEF].",
    "The suggested plan is {plan.subject} [plan].",
    "The change to inventory is less suspicious, with 844/1000 [suspect:cache-seconds=30].",
    "The origin score is 874 out of 1000 [origin].",
    "The trouble appears to originate in payments [origin].",
    "After that rollback, the alerts of payments ended at {end:payments.clock} [repair:2.3.9][end:payments].",
    "mobile-api calls both checkout and subscriptions"
    " [edge:mobile-api>checkout][edge:mobile-api>subscriptions].",
    "The first sign of trouble was HighErrorRatio on payments at 04:25:16 UTC [trouble:payments].",
)
GOING_ON = (
    "5 alerts are firing right now [firing].",
    "The incident is still ongoing and has not been resolved [status].",
    "It isn't resolved yet [status].",
    "Nobody has picked it up: it is not acknowledged [unacknowledged].",
    "No one has acknowledged the incident so far [unacknowledged].",
    "payments is still firing [service-firing:payments].",
    "Seconds after the deploy of payments 2.4.0, payments began to alert [suspect:2.4.0][trouble:payments].",
    "First came the deploy of payments 2.4.0, then payments began to alert"
    " [suspect:2.4.0][trouble:payments].",
    "The trouble likely stems from the deploy of payments 2.4.0 by lena [suspect:2.4.0][author:lena]"
    "[trouble:payments].",
)
DEAD = (
    "inventory-db went down at {trouble:inventory-db.clock} [trouble:inventory-db].",
    "InstanceDown fired for inventory-db [trouble:inventory-db].",
    "No change on inventory-db, or on what it calls, is known [elsewhere].",
    "inventory probably failed as a result of the outage of inventory-db"
    " [trouble:inventory-db][trouble:inventory].",
    "The deploy of subscriptions 1.7.1 preceded the first alert of mobile-api by 34 s [suspect:1.7.1][age].",
    "Nothing like this is remembered from the past [no-past].",
)
BY_HAND = (
    "ana acknowledged the incident at {acknowledged.clock} [acknowledged].",
    "bo resolved it at {resolved.at} [resolved].",
    "It was acknowledged by ana before bo resolved it [acknowledged][resolved].",
    "It is unknown what changed [no-change].",
    "payments alerted with SlowRequests as well, at 08:01:30 UTC [alert].",
    "checkout began to alert shortly after payments [trouble:checkout][trouble:payments].",
)
TRUE = [
    *((over, text) for text in OVER),
    *((going_on, text) for text in GOING_ON),
    *((dead, text) for text in DEAD),
    *((by_hand, text) for text in BY_HAND),
]


def test_at_most_two_in_a_hundred_true_sentences_are_dropped() -> None:
    checked = [(make(), text) for make, text in TRUE]
    found = [(check(b, [numbered(b, text)]).sentences[0].reasons, text) for b, text in checked]
    for reasons, text in found:
        if reasons:
            print(text, reasons)
    lost = sum(bool(reasons) for reasons, _ in found)
    print(f"{lost} of {len(found)} true sentences dropped")
    assert len(found) >= 30
    assert lost * 100 <= 2 * len(found)
