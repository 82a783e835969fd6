"""Ordinary English words that are no names, wherever they stand: what a sentence about an incident is made
of.

The claim check uses them where a name could stand, and to see when a sentence speaks of something else
altogether.
"""

from __future__ import annotations

from core.words import word_set

ORDINARY = word_set("""
    asks likeness names redeployed suggested thing
    a able about above according acknowledged acknowledgement across act acted action actions active add
    additional adds affected after afterward afterwards again alert alerted alerting alerts alike all
    allow almost alone along already also although altogether amid among amount an and another any anyone
    anything anywhere apart apparent appear appeared appearing appears applied applies april are around
    arrive arrived arrives as aside at august automatically average aware away back based be bear bears
    became because become becoming been before began begin beginning begins begun behind being belong
    belongs below beside best best-fitting better between beyond biggest bit both brief briefly broad
    broader broke brought but by call called callees caller callers calling calls calm came can case cases
    caught cause caused cease ceased central certain chain chance change changed changes checklist chief
    choice cite cites clean clear clearer clearly close closed closely cluster coincide coincided
    coincides combined come comes common compared complete completely comprise comprises concern concerned
    concerns conclude confidence configuration confirmed connect connected consequence considered contain
    contains continued continues contribute correlate correlated correlates could count counted counts
    cover covers critical current currently day days december decreased deeper delay delayed dependency
    dependent depending depends deploy deployed deployment deploys described detail details detected
    determine develop did differ different direct directly disappeared distance distinct do does done down
    downstream drop due during each earlier early easy effect effects eight either else elsewhere emerged
    end ended ending ends entire entry environment error errors establish estimate estimated event events
    eventual eventually everywhere evidence evident exact exactly example exceeded exhibit exhibited exist
    existing exists expected experience experienced experiencing explain explained extend extended extends
    extent fact facts fail failed failing fails failure failures fairly fall fallen falls far february fed
    feeds few fewer final finally fire fired fires firing first fit fits fitting five flag focus follow
    follow-on follow-up followed following follows for former forms forward found four fresh friday from
    fully further furthest gap general generally get gets getting give given gives giving gmt goes gone
    good got great grew group grouped grouping grow had half hand happen happened happening happens has
    have held hence here high higher higher-level highest hint history hit hold holds hour hours how
    however hypothesis id identified identifies identify if impact impacted impacting implicated implies
    important in incident incidents include included includes including increase increased indicates
    indicating indirectly infrastructure initial initially inside instance instances instead interval into
    introduced involve involved involves involving is issue issues it its itself january joined joins
    joint july june just keep key kind kinds knock-on known landed large larger largest last lasted
    lasting late latency later latest latter lead leading leads least leave leaves led left less level
    levels lies like likely limited line lines link linked links list listed little load long longer look
    looks low lower made main mainly makes many march mark marked match matched matches matching matter
    may mean means meant meanwhile measured member members mention mentioned merged mid mid-incident
    middle might min minor minute minutes moment moments monday more most moved moving much multiple name
    named namely narrow narrowed nature near nearby nearest need needs neighbour neighbours new newest
    next nine no nobody none nor normal not notable notably noted notes nothing notice noticed noticing
    noting november now number numbers observed obvious occur occurred occurring occurs october of off
    offer offered offers often old on on-call once one ones ongoing only onset onward onwards open opened
    opposite or order ordering origin originate originated other others otherwise out outage outcome over
    overall own page paged pages pair pairs part partly past path pattern pending people per percent
    perhaps period persistent person pick picked place placed plan plans plausible point pointed pointing
    points position possible possibly potential precede preceded precedes preceding precise present
    previous previously primary prime prior probable probably problem problems prompt prompted
    propagated proposed provides put question questions quick quickly quiet quite raised raising range
    rank ranked ranks rate rated rates rather ratio reach reached ready real really reappeared reason
    recent recently recommended recorded recovered refer refers reflect regarding region registered
    related relation release released relevant reliable reliably relies rely remain remained remaining
    remains remedies remedy remembered repeated report reported reporting requests resolution resolved
    responded response responses rest result return returned revealed reveals right ripple rippled rise
    roll-back rollback rolled rolling rollout root rose roughly round row rule runbook runbooks said same
    saturday saw say says scope score second seconds seem seemed seems seen select selected sent separate
    separately september sequence series serious service services set sets setting seven several severe
    severity share shared shares sharing shift short shortly show showed shown shows side sides sight sign
    signal signals significant signs similar similarity similarly simple simultaneously since single
    situation six size slow slower slowly small smaller so so-called some somebody someone soon sort
    source span spans specific spread spreading stable stage start started starting starts state
    status stay stays stemmed stems step steps still still-firing stood stop stopped strike strikes strong
    stronger strongest struck subsequent such suffer suffered suffering suffers suggests suitable suited
    sum summary sunday supports surfaced suspect suspected suspects suspicion suspicious swift symptom
    symptoms system systems taken takes taking team teams tell tells ten tend test than that the their
    them then there these they things third this those though three through throughout thursday thus tied
    tier tightly time timeline times timestamp timing to together told too took top topmost total touched
    touches toward towards trace traced traces track traffic trail transition trend triggered trouble
    troubles true tuesday turn turned twelve two typical ultimately unacknowledged unaffected uncertain
    under unfolded unit unknown unresolved until unusual up upon upstream uses using usual utc value
    values version versus very via visible warning was watch way weak wednesday weight well went were what
    whatever when where whether which whichever while who whole whom whose why wide widely window with
    within without witnessed word words work worked working works worse worst worth would wrong years yet
    yield zero
""")
