//! The programs that are configured: one row each, its files as templates.

use super::template::Mode::{Block, Whole};
use super::template::Template;

/// A program, and what tells it of the module.
pub struct Client {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What the configuration makes it do.
    pub about: &'static str,
    /// Its files.
    pub files: &'static [Template],
}

/// A row's file: where it lies, how it is written, and its text in `templates/`.
macro_rules! file {
    ($place:literal, $mode:expr, $text:literal) => {
        Template { place: $place, mode: $mode, text: include_str!(concat!("templates/", $text)) }
    };
}

const ENGINE: Template = file!("@config@/openssl-engine.cnf", Whole, "openssl-engine.cnf");
const P11_KIT: Template = file!("@home@/.config/pkcs11/modules/tokenkeep.module", Whole, "p11-kit.module");

/// Every client, as `tokentool configure` lists them.
#[rustfmt::skip]
pub const CLIENTS: &[Client] = &[
    Client { name: "env", about: "a shell's variables: PKCS11_MODULE and the like", files: &[file!("@config@/env.sh", Whole, "env.sh")] },
    Client { name: "openssl-engine", about: "OpenSSL's engine pkcs11 (libp11)", files: &[ENGINE] },
    Client { name: "openssl-provider", about: "OpenSSL's provider pkcs11", files: &[file!("@config@/openssl-provider.cnf", Whole, "openssl-provider.cnf")] },
    Client { name: "java", about: "SunPKCS11: keytool, jarsigner, -Djava.security.properties", files: &[
        file!("@config@/java.cfg", Whole, "java.cfg"),
        file!("@config@/java.security", Whole, "java.security"),
    ] },
    Client { name: "p11-kit", about: "all that loads modules through p11-kit", files: &[P11_KIT] },
    Client { name: "gnutls", about: "p11tool, certtool, gnutls-cli, by p11-kit", files: &[P11_KIT] },
    Client { name: "nss", about: "certutil, cmsutil, pk12util on ~/.pki/nssdb", files: &[file!("@home@/.pki/nssdb/pkcs11.txt", Block, "nss.txt")] },
    Client { name: "chromium", about: "Chromium and Chrome, which read ~/.pki/nssdb", files: &[file!("@home@/.pki/nssdb/pkcs11.txt", Block, "nss.txt")] },
    Client { name: "firefox", about: "your Firefox profile", files: &[file!("@profile@/pkcs11.txt", Block, "nss.txt")] },
    Client { name: "firefox-policy", about: "every Firefox profile of the machine", files: &[file!("/etc/firefox/policies/policies.json", Whole, "policies.json")] },
    Client { name: "ssh", about: "ssh, with the keys of the token", files: &[file!("@home@/.ssh/config", Block, "ssh.conf")] },
    Client { name: "git", about: "commits and tags signed by a key in ssh-agent", files: &[file!("@home@/.gitconfig", Block, "git.conf")] },
    Client { name: "nginx", about: "ssl_certificate_key in the token, by the engine", files: &[
        file!("/etc/nginx/modules-enabled/99-tokenkeep.conf", Whole, "nginx-main.conf"),
        file!("/etc/nginx/snippets/tokenkeep.conf", Whole, "nginx-server.conf"),
        file!("/etc/nginx/openssl-engine.cnf", Whole, "openssl-engine.cnf"),
    ] },
    Client { name: "apache", about: "SSLCertificateKeyFile in the token, by the engine", files: &[
        file!("/etc/apache2/conf-available/tokenkeep.conf", Whole, "apache.conf"),
        file!("/etc/apache2/openssl-engine.cnf", Whole, "openssl-engine.cnf"),
    ] },
    Client { name: "stunnel", about: "TLS for programs that have none, by the engine", files: &[file!("/etc/stunnel/conf.d/tokenkeep.conf", Whole, "stunnel.conf")] },
    Client { name: "curl", about: "curl with a client certificate, by the engine", files: &[
        file!("@config@/curl.conf", Whole, "curl.conf"),
        ENGINE,
    ] },
    Client { name: "bind", about: "dnssec-keyfromlabel, dnssec-signzone, named -E pkcs11", files: &[ENGINE] },
    Client { name: "knot", about: "a keystore of knot.conf", files: &[file!("@config@/knot.conf", Whole, "knot.conf")] },
    Client { name: "opendnssec", about: "a Repository of conf.xml", files: &[file!("@config@/opendnssec.xml", Whole, "opendnssec.xml")] },
    Client { name: "strongswan", about: "charon and pki with the plugin pkcs11", files: &[file!("/etc/strongswan.d/tokenkeep.conf", Whole, "strongswan.conf")] },
    Client { name: "openvpn", about: "pkcs11-id keys in an OpenVPN configuration", files: &[file!("@config@/openvpn.conf", Whole, "openvpn.conf")] },
    Client { name: "gnupg", about: "gpg through gnupg-pkcs11-scd", files: &[
        file!("@home@/.gnupg/gnupg-pkcs11-scd.conf", Whole, "scd.conf"),
        file!("@home@/.gnupg/gpg-agent.conf", Block, "agent.conf"),
    ] },
    Client { name: "osslsigncode", about: "Authenticode signatures, by the engine", files: &[ENGINE] },
    Client { name: "python", about: "python-pkcs11: from tokenkeep import session", files: &[file!("@config@/tokenkeep.py", Whole, "tokenkeep.py")] },
    Client { name: "node", about: "graphene-pk11 and pkcs11js: require(\"./tokenkeep.js\")", files: &[file!("@config@/tokenkeep.js", Whole, "tokenkeep.js")] },
];

/// The client of this name.
pub fn find(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name)
}
