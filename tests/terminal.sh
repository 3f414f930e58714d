# The reader's hands, for a shell that runs the console blocks of a page: see terminal.py.
#
# A server runs in the background, where a reader would use a second terminal. It gets a free port, and
# curl sends every request to it, whatever host and port the page names.

server=

stop() {
    [ -n "$server" ] || return 0
    kill "$server"
    wait "$server" || true
    server=
}
trap stop EXIT

# Start a server in the place of the last one, and show what it prints until it is ready.
serve() {
    local port
    stop
    : >"$CURL_HOME/output"
    "$@" >>"$CURL_HOME/output" 2>&1 &
    server=$!
    until grep -q Ctrl+C "$CURL_HOME/output"; do
        kill -0 "$server" || { cat "$CURL_HOME/output"; return 1; }
        sleep 0.05
    done
    port=$(grep -Eom1 'localhost:[0-9]+' "$CURL_HOME/output" | cut -d: -f2)
    printf 'silent\nshow-error\nconnect-to = "::127.0.0.1:%s"\n' "$port" >"$CURL_HOME/.curlrc"
    sed "s/:$port\b/:8000/g" "$CURL_HOME/output"
}

make() {
    if [ "$1" = run ]; then serve command make "$@"; else command make "$@"; fi
}

datas() {
    case "$1 ${2:-}" in
        serve*) serve command datas "$@" ;;
        restore* | copy*) stop && command datas "$@" ;;
        # What a reader types when a password is asked for.
        user\ add* | user\ password*) echo 'correct horse' | command datas "$@" ;;
        *) command datas "$@" ;;
    esac
}

# It would go on until Ctrl+C; here it copies what there is.
litestream() {
    if [ "$1" = replicate ]; then set -- replicate -once "${@:2}"; fi
    command litestream "$@"
}
