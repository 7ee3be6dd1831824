"""Lead qualification beside the CRM: rules in plain files decide who is a lead, and why.

    CRM -pull-> cache -signals-> signals -score-> scores -stage-> stages -plan-> outbox -apply-> CRM

FLOORS is the map of the house, top to bottom: a file imports only what stands above it. The tree in the
README is printed from it, and `tests/test_floors.py` walks it.
"""

__version__ = "0.1.0"

FLOORS: tuple[tuple[str, str], ...] = (
    # ground
    ("diagnostics", "a mistake in a file as data; its text is a view of it"),
    ("errors", "every error, sorted by what happens next: Retry, Hold or Stop"),
    ("model", "the nouns: Record, Engagement, Score, Standing, Change; frozen, times in milliseconds UTC"),
    ("clock", "now, monotonic, sleep; the only reader of the time"),
    ("settings", "environment and .env into one frozen record; the only reader of the environment"),
    # edges: one outside thing each
    ("rules", "mappings/ and workflows/ into rules, every mistake at once; compiled to one SELECT"),
    ("hubspot", "the only code that knows the vendor: transport, records, engagement, account"),
    ("webhook", "a signed POST to an address of the team's own"),
    ("store", "the cache: one SQLite file with records, signals, decisions, plans and the outbox"),
    ("provision", "the properties of ours that the CRM is to have"),
    # the way
    ("business", "business time: when the clock of a hand-off runs"),
    ("hand_off", "how a hand-off to sales comes about, and ends"),
    ("signals", "the CRM's events into signals, as the mapping says"),
    ("pull", "the CRM since each bookmark, into the cache"),
    ("score", "points by SQL compiled from the rules"),
    ("stage", "a score into a stage and a temperature, and why"),
    ("sales", "what sales was offered and did, out of the cache"),
    ("plan", "what is wanted against what the CRM says: the changes"),
    ("actions", "what entering a stage leads to: tasks, lists, webhooks"),
    ("notices", "what the cache knows of the people whom actions are about"),
    ("decide", "a preview is not a decision: `preview` stores a plan, `accept` makes it one"),
    ("apply", "the outbox into the CRM: claim, look again, send, compare, settle"),
    ("sync", "the whole way on one page"),
    ("schedule", "when sync runs, one at a time"),
    # doors
    ("undo", "the way back from a plan"),
    ("compare", "two folders of rules side by side: who would stand elsewhere"),
    ("verify", "everybody scored anew, and held against what the increments left"),
    ("speed", "how fast sales is with what it is handed"),
    ("explain", "every point of one contact, its signals, its stage, and what comes next"),
    ("report", "how it is, who stands where, what was done"),
    ("views", "one result record per verb; text and JSON are views of it"),
    ("sandbox", "a HubSpot account on this machine; imports nothing of ours"),
    ("cli", "the command line: the verbs, their flags, one document out"),
    ("__main__", "`python -m connector`"),
)
