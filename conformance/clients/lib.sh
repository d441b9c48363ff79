# What every client script shares: a module, a fresh token, a place to work, and words for "this must hold".
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#   begin "$@"                            # reads --module, makes the temporary directory, cleans the environment
#   need pkcs11-tool openssl              # or exit 77
#   token                                 # a fresh token "bench", PIN 1234, SO PIN 12345678
#   run user --list-objects               # must succeed (p11: pkcs11-tool, user: logged in)
#   shows 'bench' p11 --list-slots        # … and its output must match
#   refuses 'CKR_PIN_INCORRECT' p11 …     # must fail, and say so
#   proved "what a reader now knows"      # last line
#
# Exit codes: 0 proved, 1 failed (the failing command and its output are shown), 77 skipped.
# CONFORMANCE_KEEP=1 keeps the temporary directory, CONFORMANCE_VERBOSE=1 shows every command and its output.

set -euo pipefail
shopt -s inherit_errexit

client=$(basename "$0")
clients=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$clients/../.." && pwd)
module=
tmp=
slot=
label=bench
pin=1234
so_pin=12345678
servers=()
lacking=()
at_end=() # a command to run when the script ends, however it does

# ── the frame ────────────────────────────────────────────────────────────────────────────────────────────────

begin() {
    while (($#)); do
        case $1 in
            --module) module=${2:?"--module wants a path"} && shift 2 ;;
            --module=*) module=${1#*=} && shift ;;
            *) echo "usage: $client [--module PATH]" >&2 && exit 2 ;;
        esac
    done
    module=${module:-${CARGO_TARGET_DIR:-$checkout/target}/release/libtokenkeep.so}
    [[ -r $module ]] || fail "no module at $module (cargo build --release --workspace, or --module PATH)"
    module=$(cd "$(dirname "$module")" && pwd)/$(basename "$module")
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/conformance-$client.XXXXXX")
    trap end EXIT
    trap 'exit 130' INT TERM
    trap 'fail "line $LINENO of $client: $BASH_COMMAND"' ERR
    set -E
    alone
    cd "$tmp"
}

# Nothing of the user's own settings may reach a client, and no client may reach the user's files.
alone() {
    local name
    for name in $(compgen -e); do
        case $name in
            TOKENKEEP_* | SOFTHSM2_* | PKCS11* | OPENSSL_* | P11_KIT_* | NSS_* | GNUTLS_* | OPENSC_* | \
                JAVA_TOOL_OPTIONS | JDK_JAVA_OPTIONS | SSLKEYLOGFILE) unset "$name" ;;
        esac
    done
    mkdir -m 700 "$tmp/home" "$tmp/tokens"
    export HOME=$tmp/home XDG_CONFIG_HOME=$tmp/home/.config LC_ALL=C.UTF-8 TZ=UTC
    printf '%s\n' '[req]' 'distinguished_name = dn' 'prompt = no' '[dn]' 'CN = nobody' >"$tmp/plain.cnf"
    export OPENSSL_CONF=$tmp/plain.cnf # plain openssl: no engine, no provider but the default
}

end() {
    local code=$?
    trap - ERR EXIT
    set +e
    ((${#at_end[@]} == 0)) || "${at_end[@]}" >/dev/null 2>&1
    stop_servers
    [[ -z $tmp || -n ${CONFORMANCE_KEEP:-} ]] || rm -rf "$tmp"
    exit "$code"
}

fail() {
    trap - ERR
    echo "FAILED $client: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

proved() {
    ((${#lacking[@]} == 0)) || fail "all the rest holds, but: $(printf '%s; ' "${lacking[@]}")"
    echo "proved: $*"
}

# Something that must hold but need not keep us from looking at the rest: `proved` fails with the list.
lacks() {
    lacking+=("$*")
}

# Something worth telling that is no reason to fail.
note() {
    echo "note: $*"
}

# The programs and files that this client is made of.
need() {
    local what
    for what; do
        if [[ $what == /* ]]; then
            [[ -e $what ]] || skip "$what is not installed"
        else
            command -v "$what" >/dev/null || skip "$what is not installed"
        fi
    done
}

# python_with PACKAGE==VERSION…: a Python that has these packages of PyPI, kept in target/conformance; sets `python`.
python_with() {
    local home=${CARGO_TARGET_DIR:-$checkout/target}/conformance/python has
    python=$home/bin/python
    mkdir -p "$home"
    exec 8>"$home/lock" && flock 8
    if ! has=$("$python" -m pip freeze 2>/dev/null) || grep -qvxFf <(echo "$has") <(printf '%s\n' "$@"); then
        run /usr/bin/python3 -m venv "$home"
        run "$python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
    exec 8>&-
}

# ── saying what must hold ────────────────────────────────────────────────────────────────────────────────────

# Runs a command with nothing on stdin and a time limit; leaves `output`, `status` and `command`.
# `p11` stands for pkcs11-tool on this module, `user` for the same logged in on the token.
attempt() {
    command=("$@")
    case $1 in
        p11) command=(pkcs11-tool --module "$module" "${@:2}") ;;
        user) command=(pkcs11-tool --module "$module" --token-label "$label" --login --pin "$pin" "${@:2}") ;;
    esac
    status=0
    timeout -k 5 "${CONFORMANCE_TIMEOUT:-120}" "${command[@]}" <"${stdin:-/dev/null}" >"$tmp/output" 2>&1 || status=$?
    output=$(tr -d '\0' <"$tmp/output")
    if [[ -n ${CONFORMANCE_VERBOSE:-} ]]; then
        printf '+ %s\n%s\n' "${command[*]@Q}" "$output"
    fi
}

# The failing command as it can be typed again, what it printed, and how it ended.
blame() {
    {
        printf '+ %s\n' "${command[*]@Q}"
        printf '%s\n' "$output" | tail -n 60
        case $status in
            124 | 137) echo "(stopped after ${CONFORMANCE_TIMEOUT:-120} seconds)" ;;
            *) ((status > 128 && status <= 192)) && echo "(died of signal $((status - 128)))" || echo "(exit code $status)" ;;
        esac
    } >&2
    fail "$1"
}

# The return code that the last command complained of, or its last line.
reason() {
    grep -Eo 'CKR_[A-Z0-9_]+' <<<"$output" | tail -n 1 || tail -n 1 <<<"$output"
}

run() {
    attempt "$@"
    ((status == 0)) || blame "the command must succeed"
}

shows() {
    attempt "${@:2}"
    ((status == 0)) || blame "the command must succeed and print /$1/"
    grep -Eq -- "$1" <<<"$output" || blame "the output must match /$1/"
}

hides() {
    attempt "${@:2}"
    ((status == 0)) || blame "the command must succeed"
    ! grep -Eq -- "$1" <<<"$output" || blame "the output must not match /$1/"
}

# The command must end by itself with an error that matches; a crash on the way out is no refusal.
refuses() {
    attempt "${@:2}"
    ((status != 0)) || blame "the command must fail with /$1/"
    grep -Eq -- "$1" <<<"$output" || blame "the error must match /$1/"
    ((status <= 128 || status > 192)) || lacks "dies of signal $((status - 128)) after an error: ${command[*]@Q}"
    ((status != 124)) || blame "the command must end"
}

same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ: ${3:-}"
}

# Waits until a file shows a line: bounded, for the logs of servers.
until_shows() {
    local pattern=$1 file=$2 tries=200
    until grep -Eq -- "$pattern" "$file" 2>/dev/null; do
        ((--tries)) || { cat "$file" >&2 && fail "$file never showed /$pattern/"; }
        sleep 0.1
    done
}

until_exists() {
    local tries=200
    until [[ -e $1 ]]; do
        ((--tries)) || fail "$1 never came"
        sleep 0.1
    done
}

# free_port: a port of the loopback that nobody listens on, for servers that cannot choose one themselves.
free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# ── a fresh token ────────────────────────────────────────────────────────────────────────────────────────────

# token [PIN]: a fresh token "bench"; sets `slot` to its id.
token() {
    pin=${1:-$pin}
    case $(basename "$module") in
        libtokenkeep.so)
            export TOKENKEEP_DIR=$tmp/tokens
            run "$(dirname "$module")/tokentool" init \
                --label "$label" --so-pin "$so_pin" --pin "$pin" --kdf-iterations 10000
            ;;
        libsofthsm2.so)
            need softhsm2-util
            export SOFTHSM2_CONF=$tmp/softhsm2.conf
            printf '%s\n' "directories.tokendir = $tmp/tokens" 'objectstore.backend = file' >"$SOFTHSM2_CONF"
            run softhsm2-util --module "$module" --init-token --free --label "$label" --so-pin "$so_pin" --pin "$pin"
            ;;
        *)
            unknown_token
            ;;
    esac
    slot=$(slot_of "$label")
    [[ -n $slot ]] || fail "the fresh token is not in the list of slots"
}

# A module we know nothing of: its first token, which we wipe only if it is empty or we are told to.
unknown_token() {
    run p11 --list-slots
    if [[ -z ${CONFORMANCE_WIPE:-} ]] && ! grep -q 'uninitialized' <<<"$output"; then
        skip "no uninitialised token in $module (CONFORMANCE_WIPE=1 lets this script wipe the first one)"
    fi
    run p11 --init-token --label "$label" --so-pin "$so_pin"
    run p11 --token-label "$label" --login --login-type so --so-pin "$so_pin" --init-pin --new-pin "$pin"
}

# slot_of LABEL: the id of the slot that holds the token, in decimal.
slot_of() {
    local hex
    hex=$(pkcs11-tool --module "$module" --list-slots 2>/dev/null |
        awk -v want="$1" '
            /^Slot [0-9]+ \(0x/ { id = $3; gsub(/[():]|0x/, "", id) }
            /^  token label +: / { sub(/^  token label +: /, ""); sub(/ +$/, ""); if ($0 == want) { print id; exit } }')
    [[ -z $hex ]] || echo $((16#$hex))
}

# ── independent verification: plain openssl ──────────────────────────────────────────────────────────────────

# rsa_key LABEL ID / ec_key LABEL ID [CURVE]: a key pair made in the token; its public half in LABEL.pub (PEM).
rsa_key() {
    run user --keypairgen --key-type rsa:2048 --label "$1" --id "$2"
    public_key "$1"
}

ec_key() {
    run user --keypairgen --key-type "EC:${3:-prime256v1}" --label "$1" --id "$2"
    public_key "$1"
}

public_key() {
    run user --read-object --type pubkey --label "$1" --output-file "$tmp/$1.der"
    run openssl pkey -pubin -inform DER -in "$tmp/$1.der" -out "$tmp/$1.pub"
}

# verifies PUBLIC-KEY SIGNATURE MESSAGE [openssl dgst options]: SHA-256 unless an option says otherwise.
verifies() {
    shows '^Verified OK' openssl dgst -sha256 "${@:4}" -verify "$1" -signature "$2" "$3"
}

pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256)

# windows_program SIZE: the smallest file that is a Windows program (PE32): a DOS header that points to the headers, one section
windows_program() {
    perl -e 'my $size = shift;
        print pack("a2 x58 V", "MZ", 64), "PE\0\0", pack("v v V3 v2", 0x14c, 1, 0, 0, 0, 0xe0, 0x102);
        print pack("v C2 V9 v6 V4 v2 V6", 0x10b, 1, 0, $size, 0, 0, 0x1000, 0x1000, 0x2000, 0x400000, 0x1000, 0x200,
            4, 0, 0, 0, 4, 0, 0, 0x2000, 0x200, 0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16), "\0" x 128;
        print pack("a8 V6 v2 V", ".text", $size, 0x1000, $size, 0x200, 0, 0, 0, 0, 0x60000020);
        print "\0" x (0x200 - 64 - 4 - 20 - 224 - 40), "\xc3" x $size' "$1"
}
# authority: a CA made with plain openssl (ca.pem, ca.key).
authority() {
    run openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=Conformance CA' \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# certify REQUEST CERTIFICATE [extendedKeyUsage]: checks the request's own signature, then signs it.
certify() {
    shows 'verify OK' openssl req -in "$1" -noout -verify
    printf '%s\n' "extendedKeyUsage=${3:-clientAuth}" 'basicConstraints=CA:FALSE' >ext.cnf
    run openssl x509 -req -in "$1" -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile ext.cnf -out "$2"
    shows ': OK' openssl verify -CAfile ca.pem "$2"
}

# ── configuration ────────────────────────────────────────────────────────────────────────────────────────────

# configure CLIENT [options]: `tokentool configure` for this module and token writes the client's files; without
# --to into their usual places in the script's own HOME. `with_pin=yes configure …` puts the PIN into them.
configure() {
    local tool=${CARGO_TARGET_DIR:-$checkout/target}/release/tokentool pin_option=()
    [[ ! -x $(dirname "$module")/tokentool ]] || tool=$(dirname "$module")/tokentool
    [[ -z ${with_pin:-} ]] || pin_option=(--pin-file "$(pin_file)")
    run "$tool" configure "$1" --write --module "$module" --token "$label" --slot "$slot" "${pin_option[@]}" "${@:2}"
}

# pin_file: the PIN in a file, for those who read it from one.
pin_file() {
    [[ -e $tmp/pin.txt ]] || (umask 077 && printf '%s' "$pin" >"$tmp/pin.txt")
    echo "$tmp/pin.txt"
}

# ── Java ─────────────────────────────────────────────────────────────────────────────────────────────────────

# java_begin: a Java with SunPKCS11, its configuration (java.cfg, java.security), and the programs of java.d in `classes`.
java_begin() {
    need java javac keytool
    java --list-modules 2>/dev/null | grep -q '^jdk.crypto.cryptoki' || skip "this Java has no SunPKCS11"
    export JDK_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -Duser.home=$HOME"
    configure java --to "$tmp"
    classes=$tmp/classes
    run javac -d "$classes" "$clients"/java.d/*.java
}

# java_store PIN: the options of keytool and jarsigner for the token, in `store`.
java_store() {
    store=(-storetype PKCS11 -keystore NONE -storepass "$1" -providerClass sun.security.pkcs11.SunPKCS11
        -providerArg "$tmp/java.cfg")
}

# java_provider first|last: in `security`, the option that puts the token's provider into Java's list: last, as
# tokentool's file does, or first, so that Java asks the token for everything.
java_provider() {
    local home provider at=1
    security=-Djava.security.properties=$tmp/java.security
    [[ $1 == first ]] || return 0
    home=$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p')
    {
        echo "security.provider.1=SunPKCS11 $tmp/java.cfg"
        sed -n 's/^security\.provider\.[0-9]*=//p' "$home/conf/security/java.security" | grep -v '^SunPKCS11' |
            while read -r provider; do echo "security.provider.$((++at))=$provider"; done
        echo 'keystore.type.compat=true'
    } >"$tmp/java.security.first"
    security+=.first
}

# ── the OpenSSL engine ───────────────────────────────────────────────────────────────────────────────────────

# engine [PIN]: writes openssl-engine.cnf, with the PIN or without.
engine() {
    need "$(openssl version -e | sed -n 's/^ENGINESDIR: "\(.*\)"$/\1/p')/pkcs11.so"
    with_pin=${1:+yes} configure openssl-engine --to "$tmp"
    engine_openssl=(env OPENSSL_CONF="$tmp/openssl-engine.cnf" openssl)
}

# server_certificate LABEL: LABEL.pem for localhost, of a key in the token, asked for by the engine.
server_certificate() {
    engine "$pin"
    run "${engine_openssl[@]}" req -new -sha256 -engine pkcs11 -keyform engine -key "label_$1" -subj /CN=localhost -out "$1.csr"
    certify "$1.csr" "$1.pem" $'serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1'
}

# tls_server OPTIONS…: s_server on a free port of the loopback; sets `port` and writes server.log. Its key is plain
# openssl's, unless `tls_openssl` and the options say otherwise.
tls_openssl=(openssl)
tls_server() {
    if [[ ! -e $tmp/server.pem ]]; then
        run openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj '/CN=localhost'
        certify server.csr server.pem serverAuth
    fi
    rm -f "$tmp/server.log" "$tmp/stdin"
    mkfifo "$tmp/stdin"
    exec 9<>"$tmp/stdin" # an open stdin: s_server ends when it reads the end of it
    "${tls_openssl[@]}" s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -CAfile ca.pem "$@" \
        <&9 >"$tmp/server.log" 2>&1 &
    servers+=($!)
    until_shows '^ACCEPT 127\.0\.0\.1:[0-9]+' "$tmp/server.log"
    port=$(sed -n 's/^ACCEPT 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/server.log" | head -n 1)
}

# says CLIENT…: a line sent through a client of TLS must come back from the server.
says() {
    rm -f "$tmp/word" && mkfifo "$tmp/word"
    { echo 'hello token' && sleep 2; } >"$tmp/word" &
    stdin=$tmp/word shows '^hello token' "$@"
    wait $! || true
}

# web_server [TLSv1_2|TLSv1_3]: https.py for a client certificate of our CA; sets `port` and writes web.log.
web_server() {
    run openssl req -newkey rsa:2048 -nodes -keyout web.key -out web.csr -subj '/CN=localhost'
    printf '%s\n' extendedKeyUsage=serverAuth basicConstraints=CA:FALSE subjectAltName=DNS:localhost,IP:127.0.0.1 >web.ext
    run openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile web.ext -out web.pem
    python3 "$clients/https.py" web.pem web.key ca.pem "$@" >web.log 2>&1 &
    servers+=($!)
    until_shows '^port [0-9]+' web.log
    port=$(sed -n 's/^port //p' web.log)
}

# stop_last: ends the server that was started last, and waits for it.
stop_last() {
    kill "${servers[-1]}" 2>/dev/null || true
    wait "${servers[-1]}" 2>/dev/null || true
    unset 'servers[-1]'
}

stop_servers() {
    local server
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    servers=()
}
