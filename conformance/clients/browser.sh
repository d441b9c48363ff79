# What the scripts of browsers share: a screen of their own, and the hands of a person in front of it.

pictures=${CARGO_TARGET_DIR:-$checkout/target}/conformance

# screen: an X server that nobody sees.
screen() {
    Xvfb -displayfd 8 -screen 0 1100x760x24 -nolisten tcp 8>display >xvfb.log 2>&1 &
    servers+=($!)
    until_shows '^[0-9]+$' display
    export DISPLAY=:$(<display)
    mkdir -p "$pictures"
}

# site: a certificate of the token's key `person`, and a web server that wants it; sets `port`.
site() {
    rsa_key person 01
    authority
    engine "$pin"
    run "${engine_openssl[@]}" req -new -sha256 -engine pkcs11 -keyform engine -key label_person \
        -subj '/CN=Ada Lovelace' -out person.csr
    certify person.csr person.pem clientAuth
    run openssl x509 -in person.pem -outform DER -out person.der
    run user --write-object person.der --type cert --label person --id 01
    web_server
}

# database DIRECTORY: an NSS database that trusts our CA.
database() {
    mkdir -p "$1"
    run certutil -N -d "sql:$1" --empty-password
    run certutil -A -d "sql:$1" -n ca -t C,, -i ca.pem
}

# seen NAME: whether a window with this title (a regular expression) is up; sets `window`.
seen() {
    window=$(xdotool search --onlyvisible --name "$1" 2>/dev/null | tail -n 1) && [[ -n $window ]]
}

# picture NAME: what is on the screen, kept beside the logs.
picture() {
    local other=
    [[ $(basename "$module") == libtokenkeep.so ]] || other=.$(basename "$module" .so)
    import -window root "$pictures/$client$other.$1.png" 2>/dev/null
}

# answer: the PIN, typed into the window; it is on no command line.
answer() {
    sleep 2
    picture pin
    xdotool windowfocus "$window" || true
    printf '%s' "$pin" | xdotool type --file -
    xdotool key Return
}

# logs_in PICTURE COMMAND…: the browser is asked which certificate to take and for the PIN (a window called `prompt`),
# and comes to the page with the person's certificate.
logs_in() {
    local before answered=
    before=$(grep -c '^Ada Lovelace ' web.log || true)
    "${@:2}" >browser.log 2>&1 </dev/null &
    servers+=($!)
    for ((tries = 1; tries < 150; tries++)); do
        sleep 1
        if seen '^Welcome, Ada Lovelace'; then
            break
        elif seen "${prompt:?}"; then
            answer
            answered=yes
            sleep 3
        elif ((tries % 45 == 0)); then
            xdotool key F5
        elif ((tries % 3 == 0)); then
            xdotool key Return # the certificate that is offered
        fi
    done
    seen '^Welcome, Ada Lovelace' || { picture failed && fail "the page never came: see $pictures"; }
    [[ -n $answered ]] || fail "the browser has asked for no PIN"
    sleep 2
    picture "$1"
    (($(grep -c '^Ada Lovelace ' web.log) > before)) || fail "the server has seen no certificate"
}
