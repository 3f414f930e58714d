"""Every problem that an answer can have: its code, its status, its title and its page, once.

`{url}` in an example stands for the server's own address. Where an example needs an item, its
first lines create it: item 1 of an empty server.
"""

from dataclasses import dataclass
from inspect import cleandoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A kind of error (RFC 9457): what `type`, `status` and `title` say of it, and its page.

    Prose may mark `code` by backticks. `server`, `fails` and `mended` are lines for a shell.
    `server` starts what the examples need; empty, it is a server in open mode. `fails` is empty
    where no request provokes the problem; `mended` may use the variables that `fails` sets.
    """

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    server: str = ""
    fails: str
    mended: str
    reference: tuple[str, str]


def _rfc(number: int, section: str, title: str) -> tuple[str, str]:
    """A section's name and address."""
    name = f"RFC {number}, section {section}: {title}"
    return name, f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"


def _token(variable: str, username: str) -> str:
    """A line that signs a user in, and keeps the token in a variable."""
    body = f'{{"username": "{username}", "password": "correct horse"}}'
    return f"""{variable}=$(curl -s {{url}}/api/tokens --json '{body}' | grep -o 'datas_[^"]*')\n"""


_ALL = (
    Problem(
        code="malformed-json",
        status=400,
        title="The body is not JSON",
        meaning=(
            "The request's body could not be read as JSON, so nothing was stored or changed. "
            "The answer's `detail` says at which line and column it breaks."
        ),
        cause=(
            "JSON wants double quotes around every name and every text, and no comma after the "
            "last one. In a terminal, put single quotes around the whole body: the shell then "
            "leaves the double quotes inside alone."
        ),
        fails=cleandoc("""
            curl {url}/api/datas --json "{'data': 'hello'}"
        """),
        mended=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
        """),
        reference=_rfc(8259, "2", "JSON Grammar"),
    ),
    Problem(
        code="invalid-item",
        status=400,
        title="The item is invalid",
        meaning=(
            "The body is JSON, but not an item that can be kept. Nothing was stored or changed. "
            "The answer's `errors` lists each field at fault, with what is wrong with it."
        ),
        cause=(
            "An item is written with one field, `data`: a text of 1 to 255 characters, at least "
            "one of them not white space. The usual faults are another name, a number in the "
            "place of a text, and an empty text. The server itself sets `id`, `version`, `owner` "
            "and the dates: leave them out."
        ),
        fails=cleandoc("""
            curl {url}/api/datas --json '{"text": "hello"}'
        """),
        mended=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
        """),
        reference=_rfc(9110, "15.5.1", "400 Bad Request"),
    ),
    Problem(
        code="invalid-user",
        status=400,
        title="The user is invalid",
        meaning=(
            "The body is JSON, but its username, password or label can't be one, or a name in it "
            "is unknown. Nothing was stored or changed. The answer's `errors` lists each field at "
            "fault, with what is wrong with it."
        ),
        cause=(
            "A password has 8 to 256 characters, of any kind. A username has 2 to 32: letters from "
            "a to z, digits, dots, underscores and hyphens, and upper case counts as lower. Write "
            "`username` and `password` to register or to sign in, `password` and `new_password` to "
            "change a password."
        ),
        server=cleandoc("""
            DATAS_REGISTRATION=open datas serve --access authenticated
        """),
        fails=cleandoc("""
            curl {url}/api/users --json '{"username": "alice", "password": "short"}'
        """),
        mended=cleandoc("""
            curl {url}/api/users --json '{"username": "alice", "password": "correct horse"}'
        """),
        reference=_rfc(9110, "15.5.1", "400 Bad Request"),
    ),
    Problem(
        code="invalid-parameter",
        status=400,
        title="A query parameter is invalid",
        meaning=(
            "Something after the `?` of the address is not what the server takes there, so it "
            "did nothing. The answer's `errors` lists each parameter at fault, with what it may be."
        ),
        cause=(
            "A name is misspelt, a value is out of bounds, or a parameter is given twice. There "
            "are no page numbers: to see more items, follow `next` in the answer, unchanged, "
            "until it is null. And quote an address with a `?` or an `&`, which mean something "
            "else to a shell."
        ),
        fails=cleandoc("""
            curl '{url}/api/datas?limit=5000&page=1'
        """),
        mended=cleandoc("""
            curl '{url}/api/datas?limit=1000'
        """),
        reference=_rfc(3986, "3.4", "Query"),
    ),
    Problem(
        code="invalid-header",
        status=400,
        title="A header can't be read",
        meaning=(
            "One of the request's headers is not written as HTTP wants it, so the server did "
            "nothing rather than guess. The answer's `errors` or `detail` names the header."
        ),
        cause=(
            "Most often the quotes around an ETag are missing: they are part of it, as the `ETag` "
            "header of an answer shows. In a terminal, put single quotes around the whole header, "
            "or the shell takes the double ones away."
        ),
        fails=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
            curl -X PUT {url}/api/datas/1 -H 'If-Match: 1' --json '{"data": "bye"}'
        """),
        mended=cleandoc("""
            curl -X PUT {url}/api/datas/1 -H 'If-Match: "1"' --json '{"data": "bye"}'
        """),
        reference=_rfc(9110, "13.1.1", "If-Match"),
    ),
    Problem(
        code="unauthenticated",
        status=401,
        title="A valid token is needed",
        meaning=(
            "This needs somebody who is signed in, and the request carried no token, or one that "
            "is unknown, revoked or expired. The answer's `detail` says which."
        ),
        cause=(
            "Sign in at `/api/tokens`, keep the token that the answer shows, and send it with each "
            "request in an `Authorization` header, after the word `Bearer`. If you did, the token "
            "was revoked, its days are over, or a part of it was lost in copying: sign in again "
            "for a new one. Around the header put double quotes, or the shell sends the "
            "variable's name. A token that is sent is checked even where none is needed."
        ),
        server=cleandoc("""
            printf 'correct horse' | datas user add alice
            datas serve --access authenticated
        """),
        fails=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
        """),
        mended=_token("TOKEN", "alice")
        + cleandoc("""
            curl {url}/api/datas -H "Authorization: Bearer $TOKEN" --json '{"data": "hello"}'
        """),
        reference=_rfc(6750, "2.1", "Authorization Request Header Field"),
    ),
    Problem(
        code="wrong-credentials",
        status=401,
        title="The username or the password is wrong",
        meaning=(
            "No user has this name and this password, so there is no token, and a password that "
            "was to be changed is still the old one. Which of the two was wrong the server "
            "doesn't tell anybody."
        ),
        cause=(
            "One of them is misspelt, or the user doesn't exist on this server. In a password, "
            "upper and lower case differ and every space counts. If it is forgotten, whoever runs "
            "the server can set another: `datas user password` and the name."
        ),
        server=cleandoc("""
            printf 'correct horse' | datas user add alice
            datas serve --access authenticated
        """),
        fails=cleandoc("""
            curl {url}/api/tokens --json '{"username": "alice", "password": "Correct Horse"}'
        """),
        mended=cleandoc("""
            curl {url}/api/tokens --json '{"username": "alice", "password": "correct horse"}'
        """),
        reference=_rfc(9110, "15.5.2", "401 Unauthorized"),
    ),
    Problem(
        code="forbidden",
        status=403,
        title="You may not do this",
        meaning=(
            "The server understood the request, and it isn't for you to make. Nothing was changed, "
            "and signing in again won't help."
        ),
        cause=(
            "Mostly the item is another user's: its `owner` says whose, and in the mode `owner` "
            "nobody else may change or delete it. Let the owner do it, or create an item of your "
            "own. If the answer's `detail` speaks of a page, your browser sent the request for a "
            "page of another origin: whoever runs the server can name that origin in "
            "`DATAS_CORS_ORIGINS`."
        ),
        server=cleandoc("""
            printf 'correct horse' | datas user add alice
            printf 'correct horse' | datas user add bob
            datas serve --access owner
        """),
        fails=_token("ALICE", "alice")
        + _token("BOB", "bob")
        + cleandoc("""
            curl {url}/api/datas -H "Authorization: Bearer $ALICE" --json '{"data": "hello"}'
            curl -X DELETE {url}/api/datas/1 -H "Authorization: Bearer $BOB"
        """),
        mended=cleandoc("""
            curl -X DELETE {url}/api/datas/1 -H "Authorization: Bearer $ALICE"
        """),
        reference=_rfc(9110, "15.5.4", "403 Forbidden"),
    ),
    Problem(
        code="registration-closed",
        status=403,
        title="Registration is closed",
        meaning=(
            "On this server nobody can register by themselves, so no user was made. Users who are "
            "there already can sign in as ever."
        ),
        cause=(
            "That is how a server starts. Whoever runs it makes a user with `datas user add`, in "
            "the folder and with the settings of the server, which need not stop for it. To let "
            "everybody register, they set `DATAS_REGISTRATION=open` and start it again."
        ),
        fails=cleandoc("""
            curl {url}/api/users --json '{"username": "alice", "password": "correct horse"}'
        """),
        mended=cleandoc("""
            printf 'correct horse' | datas user add alice
            curl {url}/api/tokens --json '{"username": "alice", "password": "correct horse"}'
        """),
        reference=_rfc(9110, "15.5.4", "403 Forbidden"),
    ),
    Problem(
        code="item-not-found",
        status=404,
        title="The item does not exist",
        meaning=(
            "The address is right, but no item has this id: there never was one, or it was deleted."
        ),
        cause=(
            "An id was guessed, or kept from before the item was deleted. A deleted item's id is "
            "never given to another one. Ask for the list, `/api/datas`, to see which ids there "
            "are, or create an item and use the id in its answer."
        ),
        fails=cleandoc("""
            curl {url}/api/datas/999999999
        """),
        mended=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
            curl {url}/api/datas/1
        """),
        reference=_rfc(9110, "15.5.5", "404 Not Found"),
    ),
    Problem(
        code="token-not-found",
        status=404,
        title="The token does not exist",
        meaning=(
            "You have no token with this id: there never was one, it is another user's, or it is "
            "revoked already. The answer doesn't tell these apart."
        ),
        cause=(
            "An id was guessed or kept too long. `/api/tokens` lists your tokens with their ids; "
            "the one that you are using is marked `current`, and can be revoked as "
            "`/api/tokens/current`. The address takes the id, never the secret itself."
        ),
        server=cleandoc("""
            printf 'correct horse' | datas user add alice
            datas serve --access authenticated
        """),
        fails=_token("TOKEN", "alice")
        + cleandoc("""
            curl -X DELETE {url}/api/tokens/999999999 -H "Authorization: Bearer $TOKEN"
        """),
        mended=cleandoc("""
            curl {url}/api/tokens -H "Authorization: Bearer $TOKEN"
            curl -X DELETE {url}/api/tokens/current -H "Authorization: Bearer $TOKEN"
        """),
        reference=_rfc(9110, "15.5.5", "404 Not Found"),
    ),
    Problem(
        code="route-not-found",
        status=404,
        title="Nothing is at this address",
        meaning="The server has nothing at this path, whatever the method.",
        cause=(
            "The path is misspelt: a letter is missing, or upper case stands where lower case "
            "should. An id is a whole number from 1 on, written in plain digits. If a proxy is in "
            "front of the server, see which part of the path it takes away or adds."
        ),
        fails=cleandoc("""
            curl {url}/api/data
        """),
        mended=cleandoc("""
            curl {url}/api/datas
        """),
        reference=_rfc(9110, "15.5.5", "404 Not Found"),
    ),
    Problem(
        code="method-not-allowed",
        status=405,
        title="The method is not allowed here",
        meaning=(
            "The address is right and the server knows the method, but it can't be used at this "
            "address. The answer's `Allow` header lists those that can."
        ),
        cause=(
            "The list and a single item are two addresses. To create an item, POST to the list, "
            "`/api/datas`, and the server chooses the id. To change or delete one, name it: "
            "PUT, PATCH or DELETE to `/api/datas/` and its id."
        ),
        fails=cleandoc("""
            curl -X PUT {url}/api/datas --json '{"data": "hello"}'
        """),
        mended=cleandoc("""
            curl -X POST {url}/api/datas --json '{"data": "hello"}'
        """),
        reference=_rfc(9110, "15.5.6", "405 Method Not Allowed"),
    ),
    Problem(
        code="not-acceptable",
        status=406,
        title="No acceptable representation exists",
        meaning=(
            "The request's `Accept` header excludes every form in which the server could answer, "
            "so it did nothing. The answer's `detail` says which forms there are."
        ),
        cause=(
            "The client asks for XML or HTML where there is JSON. Ask for `application/json`, or "
            "leave the header out and take what comes."
        ),
        fails=cleandoc("""
            curl {url}/api/datas -H 'Accept: text/xml'
        """),
        mended=cleandoc("""
            curl {url}/api/datas -H 'Accept: application/json'
        """),
        reference=_rfc(9110, "12.5.1", "Accept"),
    ),
    Problem(
        code="username-taken",
        status=409,
        title="The username is taken",
        meaning="Another user has this name, so no user was made.",
        cause=(
            "Somebody was first, or you registered before and the answer got lost: try to sign in. "
            "Upper and lower case are the same in a username. Else choose another name."
        ),
        server=cleandoc("""
            DATAS_REGISTRATION=open datas serve --access authenticated
        """),
        fails=cleandoc("""
            curl {url}/api/users --json '{"username": "alice", "password": "correct horse"}'
            curl {url}/api/users --json '{"username": "Alice", "password": "battery staple"}'
        """),
        mended=cleandoc("""
            curl {url}/api/users --json '{"username": "bob", "password": "battery staple"}'
        """),
        reference=_rfc(9110, "15.5.10", "409 Conflict"),
    ),
    Problem(
        code="version-mismatch",
        status=412,
        title="The item has changed meanwhile",
        meaning=(
            "The change was meant for one version of the item, and the item is at another one. "
            "Nothing was changed, so that nobody's work is written over unseen."
        ),
        cause=(
            "Somebody else, or an earlier request of yours, changed the item after you had read "
            "it. Read it again, see whether your change still makes sense, and repeat it with the "
            "ETag that the item has now."
        ),
        fails=cleandoc("""
            curl {url}/api/datas --json '{"data": "hello"}'
            curl -X PUT {url}/api/datas/1 --json '{"data": "theirs"}'
            curl -X PUT {url}/api/datas/1 -H 'If-Match: "1"' --json '{"data": "yours"}'
        """),
        mended=cleandoc("""
            curl -i {url}/api/datas/1
            curl -X PUT {url}/api/datas/1 -H 'If-Match: "2"' --json '{"data": "yours"}'
        """),
        reference=_rfc(9110, "13.1.1", "If-Match"),
    ),
    Problem(
        code="body-too-large",
        status=413,
        title="The body is too large",
        meaning=(
            "The request's body is larger than the server takes at once, so it was not read to "
            "its end and nothing was stored. The answer's `detail` says what the limit is."
        ),
        cause=(
            "A wrong file was sent, or many items in one request. An item's `data` has at most 255 "
            "characters, which is far below the limit: send items one at a time."
        ),
        fails=cleandoc("""
            printf '{"data": "%070000d"}' 7 | curl {url}/api/datas --json @-
        """),
        mended=cleandoc("""
            printf '{"data": "%0255d"}' 7 | curl {url}/api/datas --json @-
        """),
        reference=_rfc(9110, "15.5.14", "413 Content Too Large"),
    ),
    Problem(
        code="unsupported-media-type",
        status=415,
        title="The media type is not supported",
        meaning=(
            "The request doesn't say that its body is JSON, or says that it is something else, so "
            "the server didn't read it. The answer's `detail` says what this address takes."
        ),
        cause=(
            "The `Content-Type` header is missing or wrong. With `-d` alone, curl says that the "
            "body is a form; name the type, or use `--json`, which does. A body must not be "
            "compressed either."
        ),
        fails=cleandoc("""
            curl {url}/api/datas -d '{"data": "hello"}'
        """),
        mended=cleandoc("""
            curl {url}/api/datas -d '{"data": "hello"}' -H 'Content-Type: application/json'
        """),
        reference=_rfc(9110, "15.5.16", "415 Unsupported Media Type"),
    ),
    Problem(
        code="misdirected-request",
        status=421,
        title="The server does not answer for this host",
        meaning=(
            "The request reached this server under a name (its `Host` header) that is not one of "
            "the server's own, so it did nothing."
        ),
        cause=(
            "A new domain name, a proxy or a tunnel leads here, and the server wasn't told. "
            "Whoever runs it adds the name to the setting `DATAS_ALLOWED_HOSTS` and starts it "
            "again. The rule keeps strange web pages from reaching, through your browser, a "
            "server on your own machine."
        ),
        fails=cleandoc("""
            curl {url}/api/datas -H 'Host: unknown.example'
        """),
        mended=cleandoc("""
            curl {url}/api/datas
        """),
        reference=_rfc(9110, "7.4", "Rejecting Misdirected Requests"),
    ),
    Problem(
        code="idempotency-key-reused",
        status=422,
        title="The idempotency key belongs to another request",
        meaning=(
            "A different request was sent with the same `Idempotency-Key` within the last 24 "
            "hours. Nothing was done, since a key promises: this is the same request again."
        ),
        cause=(
            "A program uses a fixed key, or changed the request and kept the key. Make a new key, "
            "such as a random UUID, for each new request, and send the old key only when you "
            "repeat a request unchanged because its answer got lost."
        ),
        fails=cleandoc("""
            curl {url}/api/datas -H 'Idempotency-Key: order-1' --json '{"data": "tea"}'
            curl {url}/api/datas -H 'Idempotency-Key: order-1' --json '{"data": "coffee"}'
        """),
        mended=cleandoc("""
            curl {url}/api/datas -H 'Idempotency-Key: order-2' --json '{"data": "coffee"}'
        """),
        reference=(
            "IETF draft, The Idempotency-Key HTTP Header Field, section 2.7: Error Scenarios",
            "https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header#section-2.7",
        ),
    ),
    Problem(
        code="too-many-attempts",
        status=429,
        title="There were too many attempts to sign in",
        meaning=(
            "Signing in failed too often for this username, or too many were at it in this moment. "
            "The password wasn't even looked at: the right one gets the same answer. The "
            "`Retry-After` header says how many seconds to wait."
        ),
        cause=(
            "After five failures from one address within a quarter of an hour, a username can't "
            "sign in from there for a while, so that nobody can try out passwords. Wait, then take "
            "more care with the password. If a program signs in before each request, let it sign "
            "in once and keep the token: tokens go on working meanwhile."
        ),
        server=cleandoc("""
            printf 'correct horse' | datas user add alice
            datas serve --access authenticated
        """),
        fails=_token("TOKEN", "alice")
        + cleandoc("""
            GUESS='{"username": "alice", "password": "a wrong guess"}'
            for n in 1 2 3 4 5 6; do curl {url}/api/tokens --json "$GUESS"; done
        """),
        mended=cleandoc("""
            curl {url}/api/users/me -H "Authorization: Bearer $TOKEN"
        """),
        reference=_rfc(6585, "4", "429 Too Many Requests"),
    ),
    Problem(
        code="internal-error",
        status=500,
        title="The server made a mistake",
        meaning=(
            "The server met something that its programmers hadn't thought of. The fault is not in "
            "your request."
        ),
        cause=(
            "It is a bug. Tell whoever runs the server when it happened and the answer's "
            "`request_id`: the server's log has the rest. Before you repeat a request that "
            "creates or changes something, look whether it was done already."
        ),
        fails="",
        mended=cleandoc("""
            curl {url}/readyz
            curl --retry 3 {url}/api/datas
        """),
        reference=_rfc(9110, "15.6.1", "500 Internal Server Error"),
    ),
    Problem(
        code="method-unknown",
        status=501,
        title="The method is unknown",
        meaning=(
            "The first word of the request is no method that this server knows, at any address."
        ),
        cause=(
            "The method is misspelt or made up. Methods are written in upper case. To read use "
            "GET, to create POST, to replace PUT, to change PATCH, to delete DELETE."
        ),
        fails=cleandoc("""
            curl -X FETCH {url}/api/datas
        """),
        mended=cleandoc("""
            curl -X GET {url}/api/datas
        """),
        reference=_rfc(9110, "15.6.2", "501 Not Implemented"),
    ),
    Problem(
        code="storage-unavailable",
        status=503,
        title="The database is out of reach",
        meaning=(
            "The server works, but its database doesn't: it can't be reached, is busy for too "
            "long, is read-only or full, or has yet to be brought up to date."
        ),
        cause=(
            "Often it passes: wait as many seconds as the answer's `Retry-After` header says, and "
            "try again. If you run the server, its log names the cause. Before you repeat a "
            "request that creates something, look whether it was done already; with an "
            "`Idempotency-Key` you can repeat it safely."
        ),
        fails="",
        mended=cleandoc("""
            curl {url}/readyz
            curl --retry 5 {url}/api/datas
        """),
        reference=_rfc(9110, "15.6.4", "503 Service Unavailable"),
    ),
)

PROBLEMS = {problem.code: problem for problem in _ALL}
