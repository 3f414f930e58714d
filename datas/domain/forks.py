"""What a child process must make anew after a fork."""

import os
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

Owner = TypeVar("Owner")

_renewals: dict["weakref.ref[Any]", Callable[[Any], None]] = {}


def renew_in_child(owner: Owner, renew: Callable[[Owner], None]) -> None:
    """Call `renew(owner)` in each forked child, for as long as the owner lives.

    A lock that another thread held at the fork stays locked in the child: no thread is left there
    to release it.
    """
    _renewals[weakref.ref(owner, _renewals.pop)] = renew


def _renew_all() -> None:
    for reference, renew in tuple(_renewals.items()):
        if (owner := reference()) is not None:
            renew(owner)


os.register_at_fork(after_in_child=_renew_all)
