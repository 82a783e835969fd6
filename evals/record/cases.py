"""The cases that can be recorded, as data. Times are seconds after the healthy baseline."""

from __future__ import annotations

from evals.record.script import Case, Change, Kill, Restart, Step, Trouble

BAD_DEPLOY = Case(
    name="bad-deploy",
    title="A bad deploy of payments takes four other services with it",
    story=(
        "Payments 2.4.0 goes out with a fee table that knows only euros, so every payment in dollars"
        " or pounds fails. Checkout and subscriptions fail with it, and so do the two front doors that call"
        " them, the storefront and the mobile API. Two minutes later payments is rolled back to 2.3.9."
    ),
    delivery="alertmanager",
    troubles=(
        Trouble(
            origin="payments",
            begins=Step(90, Change("deploy", "payments", "2.4.0", "lena")),
            mended=Step(210, Change("deploy", "payments", "2.3.9", "lena")),
            alerting=frozenset({"payments", "checkout", "subscriptions", "storefront", "mobile-api"}),
        ),
    ),
    harmless=(
        Step(10, Change("deploy", "mailer", "1.9.2", "noor")),
        Step(50, Change("configuration", "inventory", "cache-seconds=30", "tomasz")),
    ),
)

DEAD_DEPENDENCY = Case(
    name="dead-dependency",
    title="The inventory database dies and nobody changed anything that matters",
    story=(
        "The inventory database is killed. Inventory cannot answer without it, checkout cannot hold goods,"
        " and the storefront and the mobile API fail to sell. Two changes shortly before are innocent."
        " After two minutes the database is started again."
    ),
    delivery="prometheus",
    troubles=(
        Trouble(
            origin="inventory-db",
            begins=Step(80, Kill("inventory-db")),
            mended=Step(200, Restart("inventory-db")),
            alerting=frozenset({"inventory-db", "inventory", "checkout", "storefront", "mobile-api"}),
        ),
    ),
    harmless=(
        Step(15, Change("configuration", "search-index", "merge-threads=2", "omar")),
        Step(55, Change("deploy", "subscriptions", "1.7.1", "priya")),
    ),
)

TWO_TROUBLES = Case(
    name="two-troubles",
    title="Search turns slow and the inventory database dies, and neither has to do with the other",
    story=(
        "A flag turns on a new ranking that reads the search index once for every hit. Search turns slow,"
        " and so does the help center that waits for it. Forty seconds later, in the same cluster, the"
        " inventory database is killed and takes inventory, checkout and both front doors with it. Nobody"
        " calls both sides. The flag is turned off, then the database is started again."
    ),
    delivery="alertmanager",
    troubles=(
        Trouble(
            origin="search",
            begins=Step(60, Change("flag", "search", "deep-ranking=on", "omar")),
            mended=Step(190, Change("flag", "search", "deep-ranking=off", "omar")),
            alerting=frozenset({"search", "help-center"}),
        ),
        Trouble(
            origin="inventory-db",
            begins=Step(100, Kill("inventory-db")),
            mended=Step(220, Restart("inventory-db")),
            alerting=frozenset({"inventory-db", "inventory", "checkout", "storefront", "mobile-api"}),
        ),
    ),
    harmless=(
        Step(15, Change("deploy", "mailer", "1.9.2", "noor")),
        Step(85, Change("deploy", "subscriptions", "1.7.1", "priya")),
    ),
)

BAD_DEPLOY_AGAIN = Case(
    name="bad-deploy-again",
    title="A bad deploy of inventory, heard through alerts that were renamed meanwhile",
    story=(
        "Inventory 3.2.0 goes out with a mistake in how it reads the names of goods, so half of all requests"
        " fail. Checkout fails with it, and so do the two front doors, the storefront and the mobile API."
        " Meanwhile the team has given all its alerts new names and new words. Two minutes later inventory"
        " is rolled back to 3.1.0."
    ),
    delivery="alertmanager",
    troubles=(
        Trouble(
            origin="inventory",
            begins=Step(90, Change("deploy", "inventory", "3.2.0", "tomasz")),
            mended=Step(210, Change("deploy", "inventory", "3.1.0", "tomasz")),
            alerting=frozenset({"inventory", "checkout", "storefront", "mobile-api"}),
        ),
    ),
    harmless=(
        Step(10, Change("flag", "help-center", "live-chat=on", "noor")),
        Step(50, Change("configuration", "payments", "retry-limit=2", "lena")),
    ),
    rules="rules_renamed.yaml",
)

CASES: dict[str, Case] = {
    case.name: case for case in (BAD_DEPLOY, DEAD_DEPENDENCY, TWO_TROUBLES, BAD_DEPLOY_AGAIN)
}
