"""Users, tokens and failed attempts over `Memory`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from datas.adapters.memory import MemoryPort
from datas.domain.credentials import Attempt, Purpose, Token, User
from datas.domain.errors import Unauthenticated, UsernameTaken, UserOwnsRecords


class MemoryUsers(MemoryPort):
    """The `Users` port over `Memory`."""

    def add(self, username: str, password_hash: str, now: datetime) -> User:
        with self._memory.lock:
            if username in self._memory.users:
                raise UsernameTaken(username)
            user = User(self._memory.next_id("users"), username, now, password_hash)
            self._memory.users[username] = user
            return user

    def get(self, username: str) -> User | None:
        with self._memory.lock:
            return self._memory.users.get(username)

    def all(self) -> Sequence[User]:
        with self._memory.lock:
            return sorted(self._memory.users.values(), key=attrgetter("username"))

    def set_password(self, username: str, password_hash: str) -> None:
        with self._memory.lock:
            if user := self._memory.users.get(username):
                self._memory.users[username] = replace(user, password_hash=password_hash)

    def swap_password(self, username: str, before: str, after: str) -> bool:
        with self._memory.lock:
            user = self._memory.users.get(username)
            if user is None or user.password_hash != before:
                return False
            self.set_password(username, after)
            return True

    def remove(self, username: str) -> None:
        with self._memory.lock:
            kept = self._memory.records.values()
            if any(each.owner == username for records in kept for each in records.values()):
                raise UserOwnsRecords(username)
            self._memory.users.pop(username, None)
            MemoryTokens(self._memory).revoke_others(username, None)
            for actor, key in list(self._memory.idempotency):
                if actor == username:
                    del self._memory.idempotency[actor, key]


class MemoryTokens(MemoryPort):
    """The `Tokens` port over `Memory`."""

    def add(self, token: Token, digest: bytes) -> Token:
        with self._memory.lock:
            if token.username not in self._memory.users:
                raise Unauthenticated(no_user=token.username)
            token = token._replace(id=self._memory.next_id("tokens"))
            self._memory.tokens[digest] = token
            return token

    def find(self, digest: bytes) -> Token | None:
        with self._memory.lock:
            return self._memory.tokens.get(digest)

    def get(self, username: str, token_id: int) -> Token | None:
        return next((token for token in self._of(username) if token.id == token_id), None)

    def newest(self, username: str, limit: int) -> Sequence[Token]:
        return self._of(username)[-limit:]

    def keep_newest(self, username: str, limit: int) -> None:
        with self._memory.lock:
            kept = self.newest(username, limit)
            self._delete(username, lambda token: token not in kept)

    def _of(self, username: str) -> list[Token]:
        """A user's tokens. The dictionary has them in the order of their ids."""
        with self._memory.lock:
            return [token for token in self._memory.tokens.values() if token.username == username]

    def revoke(self, username: str, token_id: int) -> bool:
        return self._delete(username, lambda token: token.id == token_id)

    def revoke_others(self, username: str, token_id: int | None) -> None:
        self._delete(username, lambda token: token.id != token_id)

    def purge(self, username: str, expired: datetime) -> None:
        self._delete(username, lambda token: token.date_expires <= expired)

    def _delete(self, username: str, matches: Callable[[Token], bool]) -> bool:
        with self._memory.lock:
            tokens = self._memory.tokens
            self._memory.tokens = {
                digest: token
                for digest, token in tokens.items()
                if token.username != username or not matches(token)
            }
            return len(self._memory.tokens) < len(tokens)


class MemoryAttempts(MemoryPort):
    """The `Attempts` port over `Memory`."""

    def recent(
        self, username: str, purpose: Purpose, since: datetime, until: datetime, limit: int
    ) -> Sequence[Attempt]:
        with self._memory.lock:
            found = [
                attempt
                for attempt in reversed(self._memory.attempts)
                if attempt[:2] == (username, purpose) and since < attempt.date <= until
            ]
        return sorted(found, key=attrgetter("date"), reverse=True)[:limit]

    def add(self, attempt: Attempt) -> None:
        with self._memory.lock:
            self._memory.attempts.append(attempt)

    def clear(self, attempt: Attempt) -> None:
        with self._memory.lock:
            kept = [other for other in self._memory.attempts if other[:3] != attempt[:3]]
            self._memory.attempts = kept

    def clear_all(self, username: str) -> None:
        with self._memory.lock:
            kept = [other for other in self._memory.attempts if other.username != username]
            self._memory.attempts = kept

    def purge(self, before: datetime, after: datetime, limit: int) -> None:
        with self._memory.lock:
            by_age = sorted(self._memory.attempts, key=attrgetter("date"))
            old = [attempt for attempt in by_age if attempt.date < before]
            ahead = [attempt for attempt in by_age if attempt.date > after]
            for attempt in old[:limit] + ahead[:limit]:
                self._memory.attempts.remove(attempt)
