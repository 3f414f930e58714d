"""Every problem that an answer can have: its code, its status and its title, in one table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of error (RFC 9457): what `type`, `status` and `title` say of it."""

    code: str
    status: int
    title: str


PROBLEMS = {
    problem.code: problem
    for problem in (
        Problem("malformed-json", 400, "The body is not JSON"),
        Problem("invalid-item", 400, "The item is invalid"),
        Problem("invalid-parameter", 400, "A query parameter is invalid"),
        Problem("invalid-header", 400, "A header can't be read"),
        Problem("item-not-found", 404, "The item does not exist"),
        Problem("route-not-found", 404, "Nothing is at this address"),
        Problem("method-not-allowed", 405, "The method is not allowed here"),
        Problem("not-acceptable", 406, "No acceptable representation exists"),
        Problem("version-mismatch", 412, "The item has changed meanwhile"),
        Problem("body-too-large", 413, "The body is too large"),
        Problem("unsupported-media-type", 415, "The media type is not supported"),
        Problem("misdirected-request", 421, "The server does not answer for this host"),
        Problem("internal-error", 500, "The server made a mistake"),
        Problem("method-unknown", 501, "The method is unknown"),
        Problem("storage-unavailable", 503, "The database is out of reach"),
    )
}
