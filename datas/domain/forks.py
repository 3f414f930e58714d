"""What a child process must make anew after a fork."""

import os
import weakref
from collections.abc import Callable

_renewals: set["weakref.WeakMethod[Callable[[], None]]"] = set()


def renew_in_child(renew: Callable[[], None]) -> None:
    """Call a bound method in each forked child, for as long as its object lives.

    A lock that another thread held at the fork stays locked in the child: no thread is left there
    to release it.
    """
    _renewals.add(weakref.WeakMethod(renew, _renewals.discard))


def _renew_all() -> None:
    for reference in tuple(_renewals):
        if renew := reference():
            renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
