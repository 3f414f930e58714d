"""Every promise that a history is held against: its name in a finding, and words for the page."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.prove.history import Operation


class Promise(NamedTuple):
    """`kept` completes "the program checks that…"; `why` says what a finding means."""

    kept: str
    why: str


# The worst is shown first.
PROMISES: Mapping[str, Promise] = {
    "end": Promise(
        "the run comes to its end, and every client gets answers",
        "Something hangs or crashed, or does not start again.",
    ),
    "lost": Promise(
        "no acknowledged write is lost",
        "The client was told that its write is stored. Later it was not there.",
    ),
    "once": Promise(
        "a request with an Idempotency-Key is carried out once, however often it is sent, and "
        "gets the same answer each time",
        "A client that gets no answer asks again with the same key. It must not write twice.",
    ),
    "ids": Promise(
        "an id belongs to one record for ever",
        "A client that kept the id would find another record there.",
    ),
    "order": Promise(
        "the requests for a record have such an order",
        "Try it: whichever of these requests was handled first, some answer is false.",
    ),
    "lists": Promise(
        "a walk by <code>next</code> through a list, an export and a backup meet each record "
        "that was there the whole time exactly once (unless the value that sorts the list "
        "changed meanwhile)",
        "A client that reads a list page by page, or exports it, trusts that it is whole.",
    ),
    "bulk": Promise(
        "all lines of a bulk request become records, or none",
        "A bulk request is one piece of work: all of it happens, or nothing.",
    ),
    "texts": Promise(
        "a record holds what a client sent",
        "A record holds what no client sent.",
    ),
    "backups": Promise(
        "a backup can be made and used",
        "A backup that can't be used is noticed when it is needed.",
    ),
    "exports": Promise(
        "an export can be made and read",
        "An export that can't be read is noticed when it is needed.",
    ),
    "etags": Promise(
        "ETag and version agree",
        "A client sends the ETag back to say which version it means.",
    ),
    "dates": Promise(
        "dates don't go back, whatever the clock does",
        "A client that asks for what is new since a moment would miss a change.",
    ),
    "answers": Promise(
        "no answer has a status that the request can't have",
        "Clients are written for the answers that are documented.",
    ),
    "undecided": Promise(
        "the search for an order comes to its end",
        "So it is not known whether there is one.",
    ),
}


class Finding(NamedTuple):
    """A promise that was not kept, and the requests that show it."""

    promise: str
    sentence: str
    shown: Sequence[Operation]
    record: int = 0
