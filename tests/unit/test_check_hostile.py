"""False sentences in common words: invented causes, blame, advice, superlatives, plans done. None is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.narrative.check import check
from core.narrative.facts import Bundle
from tests.unit.test_check_paraphrases import by_hand, dead, going_on, numbered, over

OVER = (
    # Causes without a word for causes.
    "The deploy of payments 2.4.0 is responsible [suspect:2.4.0].",
    "The configuration change of inventory possibly set it off [suspect:cache-seconds=30].",
    "The configuration change of inventory set this off [suspect:cache-seconds=30].",
    "storefront suffered from the configuration change of inventory"
    " [suspect:cache-seconds=30][trouble:storefront].",
    "storefront went down with the configuration change of inventory"
    " [suspect:cache-seconds=30][trouble:storefront].",
    "The trouble of storefront probably went back to the configuration change of inventory"
    " [suspect:cache-seconds=30][trouble:storefront].",
    "checkout perhaps overwhelmed payments [trouble:checkout][trouble:payments].",
    "The trouble spread from storefront to payments [trouble:storefront][trouble:payments].",
    "It probably moved from checkout to payments [trouble:checkout][trouble:payments].",
    "The deploy of payments 2.4.0 failed [suspect:2.4.0].",
    "The deploy of payments 2.4.0 failed, and payments began to alert [suspect:2.4.0][trouble:payments].",
    "The deploy of payments 2.4.0 went wrong [suspect:2.4.0].",
    "The alerts of payments came from the configuration change of inventory"
    " [trouble:payments][suspect:cache-seconds=30].",
    # People.
    "lena is responsible [author:lena].",
    "All of it points to lena [author:lena].",
    "lena has to answer for the deploy of payments [suspect:2.4.0][author:lena].",
    "tomasz failed [author:tomasz].",
    "tomasz was late [author:tomasz].",
    "The deploy of payments by lena was a bad one [suspect:2.4.0][author:lena].",
    "The suspicion lies with lena, who made the deploy of payments [suspect:2.4.0][author:lena].",
    "The incident was resolved by tomasz [resolved][author:tomasz].",
    "tomasz resolved the incident [resolved][author:tomasz].",
    "A person resolved it [resolved].",
    "It was resolved by hand [resolved].",
    "Somebody resolved the incident [resolved].",
    "Somebody is at work on it [status].",
    "INC-20260715-GHIJKL ended when lena resolved it [past-ending:INC-20260715-GHIJKL][author:lena].",
    # Advice.
    "The alerts of checkout can be ignored [trouble:checkout].",
    "The alert of checkout is noise [trouble:checkout].",
    "storefront may be left alone [trouble:storefront].",
    "storefront can wait [trouble:storefront].",
    "The deploy of payments 2.4.0 can be ruled out [suspect:2.4.0].",
    # First, last and foremost.
    "storefront alerted first [trouble:storefront].",
    "The first service to alert was mobile-api [trouble:mobile-api].",
    "The first alert came from storefront [trouble:storefront].",
    "The first alert came at 04:25:18 UTC [trouble:checkout].",
    "checkout was the first to alert, and payments alerted too [trouble:checkout][trouble:payments].",
    "payments was the last to alert [trouble:payments].",
    "payments alerted last [trouble:payments].",
    "checkout recovered first [end:checkout].",
    "payments recovered last [end:payments].",
    "checkout is where it began [trouble:checkout].",
    "checkout is probably where the trouble began [trouble:checkout].",
    "checkout is the root of it [trouble:checkout].",
    "payments began to alert hours before checkout [trouble:payments][trouble:checkout].",
    "payments began to alert long before checkout [trouble:payments][trouble:checkout].",
    "payments and checkout began to alert at the same time [trouble:payments][trouble:checkout].",
    "payments and checkout began to alert simultaneously [trouble:payments][trouble:checkout].",
    "The configuration change of inventory is the main suspect [suspect:cache-seconds=30].",
    "The configuration change of inventory is the most likely suspect [suspect:cache-seconds=30].",
    "The configuration change of inventory matters most [suspect:cache-seconds=30].",
    "The configuration change of inventory is more suspect than the deploy of payments"
    " [suspect:cache-seconds=30][suspect:2.4.0].",
    "INC-20260715-GHIJKL is the past incident most like this one [past:INC-20260715-GHIJKL].",
    # Status.
    "The incident is still going on [status].",
    "It is far from over [status].",
    "payments is still failing [trouble:payments].",
    "0 alerts have ended [firing].",
    "The incident is under control [status].",
    # Plans.
    "The plan was carried out: {plan.subject} [plan].",
    "The plan {plan.subject} was already done [plan].",
    "The plan {plan.subject} is dangerous [plan].",
    "No step is withheld, 6 of them [plan-withheld].",
    # Calls.
    "payments needs checkout [edge:checkout>payments].",
    "payments uses checkout [edge:checkout>payments].",
    "payments talks to checkout [edge:checkout>payments].",
    "payments asks checkout [edge:checkout>payments].",
    "payments is a client of checkout [edge:checkout>payments].",
    "payments sends requests to checkout [edge:checkout>payments].",
    "checkout serves payments [edge:checkout>payments].",
    "checkout feeds payments [edge:checkout>payments].",
    "checkout is upstream of payments [edge:checkout>payments].",
    "checkout is independent of payments [edge:checkout>payments].",
    # Numbers of another fact.
    "The deploy of payments 2.4.0 came 14.312 s before the first alert of payments"
    " [suspect:2.4.0][age:payments][gap].",
    "The deploy of payments 2.4.0 came {gap.value} before the first alert of payments"
    " [suspect:2.4.0][age:payments][gap].",
    "The deploy of payments 2.3.9 came {age:payments.value} before the last alert of payments ended"
    " [repair:2.3.9][age:payments][gap].",
    # The rest.
    "INC-20260901-ABCDEF was the same incident [past:INC-20260901-ABCDEF].",
    "INC-20260901-ABCDEF was unlike this incident [past:INC-20260901-ABCDEF].",
    "This incident is the return of INC-20260901-ABCDEF [past:INC-20260901-ABCDEF].",
    "P0 is the lowest severity [severity].",
    "The incident is outside production, in shop-eu [place].",
    "payments ha fallado [trouble:payments].",
)
GOING_ON = (
    "Somebody is at work on the incident [status].",
    "A person works on it [unacknowledged].",
    "The incident is in hand [status].",
    "5 alerts have ended [alerts].",
)
DEAD = (
    "inventory-db is still down [trouble:inventory-db].",
    "The deploy of subscriptions 1.7.1 is likely responsible [suspect:1.7.1].",
    "The deploy of subscriptions 1.7.1 probably set it off [suspect:1.7.1].",
    "inventory-db suffers from the deploy of subscriptions 1.7.1 [suspect:1.7.1][trouble:inventory-db].",
    "The trouble of inventory-db goes back to the deploy of subscriptions 1.7.1"
    " [suspect:1.7.1][trouble:inventory-db].",
    "priya has to answer for it [author:priya].",
    "No change is known at all [elsewhere].",
    "No change is known [elsewhere].",
    "inventory-db and mobile-api began to alert together [trouble:inventory-db][trouble:mobile-api].",
    "inventory-db began to alert last [trouble:inventory-db].",
    "inventory-db calls inventory [edge:inventory>inventory-db].",
)
BY_HAND = (
    "The incident was resolved automatically [resolved].",
    "ana resolved it [resolved][acknowledged].",
    "bo acknowledged it [resolved][acknowledged].",
)
FALSE = [
    *((over, text) for text in OVER),
    *((going_on, text) for text in GOING_ON),
    *((dead, text) for text in DEAD),
    *((by_hand, text) for text in BY_HAND),
]
# What the same rules must let pass.
TRUE = (
    (over, "The first alert came from payments [trouble:payments]."),
    (over, "payments is probably where the trouble began [origin]."),
    (over, "The last alert, that of subscriptions, ended at 04:27:24 UTC [end:subscriptions]."),
    (over, "payments and subscriptions began to alert at the same time"
     " [trouble:payments][trouble:subscriptions]."),
    (over, "checkout needs payments [edge:checkout>payments]."),
    (over, "payments feeds checkout [edge:checkout>payments]."),
    (over, "6 steps are withheld at this level [plan-withheld]."),
    (over, "The deploy of payments 2.4.0 by lena came at 04:25:08 UTC [suspect:2.4.0][author:lena]."),
    (over, "All alerts came from payments and checkout [trouble:payments][trouble:checkout]."),
    (dead, "mobile-api was the last to alert [trouble:mobile-api]."),
    (dead, "No change on inventory-db is known [elsewhere]."),
    (going_on, "payments still fires [service-firing:payments]."),
    (by_hand, "It was resolved by bo [resolved]."),
)  # fmt: skip


def kept(make: Callable[[], Bundle], text: str) -> bool:
    bundle = make()
    sentence = numbered(bundle, text)
    assert ":" not in sentence.rsplit("[", 1)[1], "a citation of the test names no fact"
    return check(bundle, [sentence]).sentences[0].kept


def test_there_are_enough_of_them() -> None:
    assert len(FALSE) >= 70


@pytest.mark.parametrize(("make", "text"), FALSE, ids=[text[:60] for _, text in FALSE])
def test_a_false_sentence_in_common_words_is_dropped(make: Callable[[], Bundle], text: str) -> None:
    assert not kept(make, text)


@pytest.mark.parametrize(("make", "text"), TRUE, ids=[text[:60] for _, text in TRUE])
def test_a_true_one_like_it_is_kept(make: Callable[[], Bundle], text: str) -> None:
    assert kept(make, text)
