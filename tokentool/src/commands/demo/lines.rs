//! What to type next: the same module in the programs that people use.

use std::path::Path;

use serde::Serialize;

use crate::paint::{FAINT, HEAD, paint};
use crate::tokens::quoted;

/// Lines to type, for one program.
#[derive(Serialize)]
pub struct Try {
    program: &'static str,
    lines: Vec<String>,
}

/// Program and lines; `{so}` is the module's path as a shell wants it, `{raw}` as it is.
const LINES: &[(&str, &[&str])] = &[
    ("A token of your own", &["tokentool init --label mine"]),
    (
        "pkcs11-tool (OpenSC)",
        &[
            "pkcs11-tool --module {so} --token-label mine --login --keypairgen --key-type EC:prime256v1 --label key --id 01",
            "echo hello > message",
            "pkcs11-tool --module {so} --token-label mine --login --sign --mechanism ECDSA-SHA256 --signature-format openssl --id 01 -i message -o signature",
        ],
    ),
    (
        "OpenSSL (engine pkcs11 of libp11)",
        &[
            "cat > openssl.cnf <<'END'",
            "openssl_conf = openssl_init",
            "[openssl_init]",
            "engines = engines",
            "[engines]",
            "pkcs11 = pkcs11",
            "[pkcs11]",
            "engine_id = pkcs11",
            "MODULE_PATH = {raw}",
            "init = 0",
            "[req]",
            "distinguished_name = dn",
            "[dn]",
            "END",
            "OPENSSL_CONF=openssl.cnf openssl req -new -x509 -engine pkcs11 -keyform engine -key 'pkcs11:token=mine;object=key' -subj /CN=mine -days 30 -out mine.pem",
        ],
    ),
    (
        "Java (SunPKCS11)",
        &[
            "printf 'name = mine\\nlibrary = %s\\nslotListIndex = 0\\n' {so} > pkcs11.cfg",
            "keytool -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg pkcs11.cfg -genkeypair -alias java -keyalg EC -dname CN=java",
            "keytool -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg pkcs11.cfg -list",
        ],
    ),
    (
        "Chromium and Firefox (NSS; close the browser first)",
        &[
            "modutil -dbdir sql:$HOME/.pki/nssdb -add Tokenkeep -libfile {so}",
            "modutil -dbdir sql:PROFILE -add Tokenkeep -libfile {so}   # Firefox; about:profiles shows PROFILE",
        ],
    ),
];

/// The lines with the module's real path in them.
pub fn all(module: &Path) -> Vec<Try> {
    let raw = module.display().to_string();
    let line = |line: &&str| line.replace("{so}", &quoted(&raw)).replace("{raw}", &raw);
    LINES.iter().map(|(program, lines)| Try { program, lines: lines.iter().map(line).collect() }).collect()
}

/// The lines as the demo ends with them.
pub fn text(module: &Path, all: &[Try]) -> String {
    let mut text = format!("\n{} {}\n", paint(HEAD, "Now you. The module is"), module.display());
    for Try { program, lines } in all {
        text += &format!("\n{}\n", paint(FAINT, format!("# {program}")));
        lines.iter().for_each(|line| text += &format!("{line}\n"));
    }
    text
}
