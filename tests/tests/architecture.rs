//! The picture of the house, read from the source: who may import whom, who may be unsafe, who may name a
//! crypto crate, how long a file may be. Every rule is tried on planted violations below.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::buffer::{Cursor, TokenBuffer};

/// The rooms, floor by floor from the top. Imports go down only; rooms of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["abi"],
    &["api"],
    &["session"],
    &["token"],
    &["backup", "mechanism"],
    &["object"],
    &["store", "emulation"],
    &["crypto"],
    &["cryptoki"],
];

/// Where `unsafe` lives.
const UNSAFE: &[&str] = &["abi/", "crypto/awslc.rs", "crypto/awslc/"];

/// Crates that do cryptography: named in `crypto/` only.
const CRYPTO_CRATES: &[&str] = &[
    "aes",
    "aes_gcm",
    "aes_kw",
    "argon2",
    "aws_lc_fips_sys",
    "aws_lc_rs",
    "aws_lc_sys",
    "bp256",
    "bp384",
    "cbc",
    "ccm",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmac",
    "crypto_bigint",
    "ctr",
    "curve25519_dalek",
    "des",
    "digest",
    "dsa",
    "ecb",
    "ecdsa",
    "ed25519",
    "ed25519_dalek",
    "ed448",
    "ed448_goldilocks",
    "elliptic_curve",
    "ghash",
    "hkdf",
    "hmac",
    "k256",
    "md5",
    "ml_dsa",
    "ml_kem",
    "openssl",
    "p256",
    "p384",
    "p521",
    "pbkdf2",
    "pkcs1",
    "pkcs8",
    "ring",
    "ripemd",
    "rsa",
    "sec1",
    "sha1",
    "sha2",
    "sha3",
    "slh_dsa",
    "x25519_dalek",
    "x448",
];

/// Crates that handle secrets: named in `crypto/` and in `cryptoki/`, where `Secret` is.
const SECRET_CRATES: &[&str] = &["subtle", "zeroize"];

/// Lines of library code in one file; its `#[cfg(test)]` module at the end is not counted.
const LINES: usize = 500;

/// One file of the module: its path below `module/src`, with `/`, and its text.
struct Source {
    path: String,
    text: String,
    /// The module path, where a `#[path]` somewhere makes it another than the file's.
    declared: Option<Vec<String>>,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), declared: None }
    }

    /// The module path that the file stands for: `abi/exports.rs` is `[abi, exports]`, `lib.rs` is `[]`.
    fn module(&self) -> Vec<String> {
        if let Some(module) = &self.declared {
            return module.clone();
        }
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        match path {
            "lib" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        }
    }

    /// Files that this one takes in by `#[path = "file"] mod name;`, with the module paths that they get.
    fn taken_in(&self) -> Vec<(String, Vec<String>)> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut found = Vec::new();
        for declaration in self.text.split("#[path = \"").skip(1) {
            let Some((file, rest)) = declaration.split_once("\"]") else { continue };
            let rest = rest.trim_start().trim_start_matches("pub ");
            let Some((name, _)) = rest.strip_prefix("mod ").and_then(|rest| rest.split_once(';')) else {
                continue;
            };
            found.push((format!("{folder}/{file}"), [self.module(), vec![name.to_owned()]].concat()));
        }
        found
    }

    /// The room that the file is in; None for `lib.rs`.
    fn room(&self) -> Option<String> {
        self.module().into_iter().next()
    }

    fn read(&self) -> Reading {
        syn::parse_file(&self.text).unwrap_or_else(|e| panic!("{}: {e}", self.path));
        let tokens = self.text.parse().unwrap_or_else(|e| panic!("{}: {e}", self.path));
        let mut reading = Reading::default();
        reading.walk(TokenBuffer::new2(tokens).begin(), &self.module());
        reading
    }
}

/// A path as it stands in the source, in a `use`, an expression, a type, a macro, a visibility.
#[derive(Debug)]
struct Named {
    /// The module that it stands in.
    inside: Vec<String>,
    /// `::rsa::…`, which can only be a crate.
    rooted: bool,
    /// Its segments, `use` groups multiplied out; `*` for all.
    segments: Vec<String>,
    /// The name that it is imported as, if it stands in a `use`.
    alias: Option<String>,
}

impl Named {
    /// The path from the crate's root, if it goes through `crate` or leads out of its own room by `super`.
    fn rooted_path(&self) -> Option<Vec<String>> {
        let first = self.segments.first()?;
        if self.segments.len() == 1 && self.alias.is_none() {
            return None; // a variable, or `pub(crate)`
        }
        if first == "crate" {
            return Some(self.segments[1..].to_vec());
        }
        let mut base = self.inside.clone();
        let mut rest = &self.segments[..];
        while let [first, more @ ..] = rest {
            match first.as_str() {
                "super" => _ = base.pop(),
                "self" => {}
                _ => break,
            }
            rest = more;
        }
        (rest.len() < self.segments.len()).then(|| [base, rest.to_vec()].concat())
    }

    fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// What the rules want to know of a file.
#[derive(Default)]
struct Reading {
    paths: Vec<Named>,
    /// Modules that the file declares: their names are not crates here.
    modules: BTreeSet<String>,
    unsafes: usize,
}

impl Reading {
    /// All tokens, macros' too: what a macro writes is written there.
    fn walk(&mut self, mut at: Cursor, inside: &[String]) {
        let mut after = ' '; // the punctuation before the cursor
        while !at.eof() {
            if let Some((ident, next)) = at.ident() {
                let ident = ident.to_string();
                at = match ident.as_str() {
                    "unsafe" => {
                        self.unsafes += 1;
                        next
                    }
                    "mod" => self.declaration(next, inside),
                    "use" => self.import(next, inside),
                    "extern" => self.external(next, inside),
                    _ if after == '.' => next,
                    _ => self.path(at, after == ':', inside),
                };
                after = ' ';
            } else if let Some((punct, next)) = at.punct() {
                // Only a `::` before a path makes it rooted; `x: rsa::Key` does not.
                let double = punct.as_char() == ':' && next.punct().is_some_and(|(p, _)| p.as_char() == ':');
                (after, at) = match double {
                    true => (':', next.punct().expect("looked at").1),
                    false if punct.as_char() == ':' => (' ', next),
                    false => (punct.as_char(), next),
                };
            } else if let Some((content, _, _, next)) = at.any_group() {
                self.walk(content, inside);
                (after, at) = (' ', next);
            } else {
                at = skip(at);
                after = ' ';
            }
        }
    }

    /// After `mod`: `name;` or `name { … }`.
    fn declaration<'a>(&mut self, at: Cursor<'a>, inside: &[String]) -> Cursor<'a> {
        let Some((name, next)) = at.ident() else { return at };
        self.modules.insert(name.to_string());
        let Some((content, _, _, after)) = next.any_group() else { return next };
        self.walk(content, &[inside, &[name.to_string()]].concat());
        after
    }

    /// After `extern`: `crate rsa;`, or something else.
    fn external<'a>(&mut self, at: Cursor<'a>, inside: &[String]) -> Cursor<'a> {
        match at.ident() {
            Some((word, next)) if word == "crate" => self.path(next, true, inside),
            _ => at,
        }
    }

    /// A path where it is used: segments up to the first that is not `::name`.
    fn path<'a>(&mut self, at: Cursor<'a>, rooted: bool, inside: &[String]) -> Cursor<'a> {
        let mut segments = Vec::new();
        let mut at = at;
        while let Some((name, next)) = at.ident() {
            segments.push(name.to_string());
            at = next;
            match colons(at) {
                Some(after) if after.ident().is_some() => at = after,
                _ => break,
            }
        }
        self.paths.push(Named { inside: inside.to_vec(), rooted, segments, alias: None });
        at
    }

    /// After `use`: a tree, up to its end.
    fn import<'a>(&mut self, at: Cursor<'a>, inside: &[String]) -> Cursor<'a> {
        match colons(at) {
            Some(next) => self.tree(next, &[], true, inside),
            None => self.tree(at, &[], false, inside),
        }
    }

    fn tree<'a>(&mut self, at: Cursor<'a>, prefix: &[String], rooted: bool, inside: &[String]) -> Cursor<'a> {
        let mut push = |segments: Vec<String>, alias: Option<String>| {
            self.paths.push(Named { inside: inside.to_vec(), rooted, segments, alias });
        };
        if let Some((name, next)) = at.ident() {
            let name = name.to_string();
            let segments = match name == "self" && !prefix.is_empty() {
                true => prefix.to_vec(),
                false => [prefix, std::slice::from_ref(&name)].concat(),
            };
            if let Some(after) = colons(next) {
                return self.tree(after, &segments, rooted, inside);
            }
            if let Some((word, after)) = next.ident()
                && word == "as"
                && let Some((alias, after)) = after.ident()
            {
                push(segments, Some(alias.to_string()));
                return after;
            }
            let own = segments.last().cloned();
            push(segments, own);
            return next;
        }
        if let Some((mut content, _, _, next)) = at.any_group() {
            while !content.eof() {
                let before = content;
                content = self.tree(content, prefix, rooted || colons(content).is_some(), inside);
                if content == before {
                    content = skip(content);
                }
            }
            return next;
        }
        match at.punct() {
            Some((star, next)) if star.as_char() == '*' => {
                push([prefix, &["*".to_owned()]].concat(), None);
                next
            }
            _ => at,
        }
    }

    /// Names that in this file mean something of our own.
    fn own_names(&self) -> BTreeSet<&str> {
        let ours = |path: &&Named| {
            matches!(path.segments.first().map(String::as_str), Some("crate" | "super" | "self"))
        };
        let imported = self.paths.iter().filter(ours).filter_map(|path| path.alias.as_deref());
        imported.chain(self.modules.iter().map(String::as_str)).collect()
    }
}

/// The cursor after `::`, if that is what stands there.
fn colons(at: Cursor) -> Option<Cursor> {
    let (first, next) = at.punct()?;
    let (second, next) = next.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(next)
}

/// The cursor after whatever stands there.
fn skip(at: Cursor) -> Cursor {
    at.token_tree().expect("not at the end").1
}

/// Every rule broken by a file, as sentences.
fn violations(source: &Source) -> Vec<String> {
    let reading = source.read();
    let mut found: Vec<String> = [
        wrong_way(source, &reading),
        unsafe_elsewhere(source, &reading),
        crypto_elsewhere(source, &reading),
        too_long(source),
    ]
    .concat();
    found.dedup();
    found.iter().map(|what| format!("{}: {what}", source.path)).collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

fn wrong_way(source: &Source, reading: &Reading) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let Some(here) = floor(&room) else { return vec![format!("{room} is no room of the picture")] };
    let judge = |path: &Named| {
        let target = path.rooted_path()?;
        let name = target.first().map_or("the crate's root", String::as_str);
        match floor(name) {
            _ if name == room => None,
            None => Some(format!("{} names no room", path.text())),
            Some(there) if there > here => None,
            Some(there) if there == here => {
                Some(format!("{} is next door: {room} imports {name}", path.text()))
            }
            Some(_) => Some(format!("{} goes up: {room} imports {name}", path.text())),
        }
    };
    reading.paths.iter().filter_map(judge).collect()
}

fn unsafe_elsewhere(source: &Source, reading: &Reading) -> Vec<String> {
    let allowed = UNSAFE.iter().any(|place| source.path.starts_with(place));
    match reading.unsafes {
        0 => Vec::new(),
        _ if allowed => Vec::new(),
        count => vec![format!("`unsafe` stands here {count} times")],
    }
}

fn crypto_elsewhere(source: &Source, reading: &Reading) -> Vec<String> {
    let room = source.room().unwrap_or_default();
    let own = reading.own_names();
    let judge = |path: &Named| {
        let name = path.segments.first()?.as_str();
        let forbidden = (CRYPTO_CRATES.contains(&name) && room != "crypto")
            || (SECRET_CRATES.contains(&name) && room != "crypto" && room != "cryptoki");
        // A lone word is a variable; a crate's name is followed by `::`, or imported.
        let crates = path.rooted || path.alias.is_some() || path.segments.len() > 1;
        let ours = !path.rooted && own.contains(name) && path.alias.as_deref() != Some(name);
        (forbidden && crates && !ours).then(|| format!("{} names a crypto crate", path.text()))
    };
    reading.paths.iter().filter_map(judge).collect()
}

fn too_long(source: &Source) -> Vec<String> {
    let lines: Vec<_> = source.text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    let count = match tests {
        Some(start) => {
            let length = lines[start..].iter().position(|line| *line == "}").map_or(2, |end| end + 1);
            lines.len() - length
        }
        None if source.path.ends_with("/tests.rs") || source.path.ends_with("_tests.rs") => 0,
        None => lines.len(),
    };
    if count > LINES { vec![format!("{count} lines; {LINES} is the most")] } else { Vec::new() }
}

/// Gives each file that a `#[path]` names its module path.
fn place(sources: &mut [Source]) {
    let taken: Vec<_> = sources.iter().flat_map(Source::taken_in).collect();
    for (path, module) in taken {
        if let Some(source) = sources.iter_mut().find(|source| source.path == path) {
            source.declared = Some(module);
        }
    }
}

/// All of `module/src`.
fn house() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../module/src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the module") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let below = path.strip_prefix(&root).expect("below the root");
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                sources.push(Source::new(&parts.join("/"), &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    place(&mut sources);
    sources
}

#[test]
fn the_house_is_as_drawn() {
    let found: Vec<_> = house().iter().flat_map(violations).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_room_of_the_picture_is_there_and_no_other() {
    let there: BTreeSet<_> = house().iter().filter_map(Source::room).collect();
    let drawn: BTreeSet<_> =
        FLOORS.iter().flat_map(|floor| floor.iter().map(|room| room.to_string())).collect();
    assert_eq!(there, drawn);
}

mod planted {
    use super::{LINES, Source, violations};

    #[track_caller]
    fn refused(path: &str, text: &str) {
        assert_ne!(violations(&Source::new(path, text)), Vec::<String>::new(), "{path}: {text}");
    }

    #[track_caller]
    fn accepted(path: &str, text: &str) {
        assert_eq!(violations(&Source::new(path, text)), Vec::<String>::new(), "{path}: {text}");
    }

    #[test]
    fn an_import_that_goes_up_is_found_however_it_is_written() {
        for text in [
            "use crate::api::Module;",
            "use crate::{cryptoki::Rv, api::Module};",
            "use crate::{self as house};",
            "use crate::*;",
            "use super::super::api::Module;",
            "use super::super::{cryptoki::Rv, session};",
            "fn f() { crate::api::start(); }",
            "fn f(x: crate::token::Token) {}",
            "fn f<T: crate::session::Trait>() {}",
            "fn f() { let x = Vec::<crate::api::X>::new(); }",
            "fn f() { let x = vec![crate::api::X]; }",
            "macro_rules! m { () => { $crate::api::X } }",
            "mod inner { use super::super::super::api::Module; }",
            "#[cfg(test)]\nmod tests {\n    use crate::api::Module;\n}",
            "pub(in crate::token) fn f() {}",
            "impl crate::abi::Trait for X {}",
        ] {
            refused("store/sqlite.rs", text);
        }
    }

    #[test]
    fn rooms_of_one_floor_do_not_import_each_other() {
        refused("store/mod.rs", "use crate::emulation::Point;");
        refused("emulation/mod.rs", "use crate::store::Store;");
        refused("mechanism/mod.rs", "use super::backup::Dkek;");
    }

    #[test]
    fn an_import_that_goes_down_or_stays_is_accepted() {
        for text in [
            "use crate::{crypto::kdf, cryptoki::{Rv, Secret}};",
            "use super::schema::TABLES; use super::super::crypto::kdf;",
            "pub(crate) fn f() {} pub(super) fn g() {} pub(in crate::store) fn h() {}",
            "mod tests { use super::*; use super::super::Store; }",
            "fn f(api: u8) { let abi = api; session::x(); }",
            "// crate::api::Module\nconst X: &str = \"crate::api::Module\";",
        ] {
            accepted("store/sqlite.rs", text);
        }
        accepted("lib.rs", "pub mod abi; pub mod api; pub use crate::api::Module;");
    }

    #[test]
    fn unsafe_is_found_outside_its_rooms_in_every_form() {
        for text in [
            "fn f() { unsafe { g() } }",
            "unsafe fn f() {}",
            "unsafe impl Send for X {}",
            "unsafe trait T {}",
            "unsafe extern \"C\" { fn f(); }",
            "#[unsafe(no_mangle)] fn f() {}",
            "macro_rules! m { () => { unsafe { g() } } }",
        ] {
            refused("api/mod.rs", text);
            refused("crypto/ec.rs", text);
            refused("lib.rs", text);
            accepted("abi/pointer.rs", text);
            accepted("crypto/awslc.rs", text);
        }
        accepted("api/mod.rs", "#![forbid(unsafe_code)] // unsafe\nconst X: &str = \"unsafe\";");
    }

    #[test]
    fn a_crypto_crate_is_found_outside_its_room_however_it_is_named() {
        for text in [
            "use rsa::RsaPrivateKey;",
            "use rsa;",
            "use ::rsa as key;",
            "use {std::fmt, sha2::Sha256};",
            "extern crate aws_lc_sys;",
            "fn f(x: p256::PublicKey) {}",
            "fn f() { sha2::Sha256::digest(b\"\"); }",
            "fn f() { let x = vec![aes_gcm::Aes256Gcm::new()]; }",
            "pub mod rsa; fn f() { ::rsa::f(); }",
            "use subtle::ConstantTimeEq;",
            "#[derive(zeroize::Zeroize)] struct X;",
        ] {
            refused("mechanism/rows.rs", text);
            accepted("crypto/rows.rs", text);
        }
        accepted("cryptoki/secret.rs", "use subtle::ConstantTimeEq; use zeroize::Zeroizing;");
        refused("cryptoki/secret.rs", "use sha2::Sha256;");
    }

    #[test]
    fn our_own_modules_may_be_called_like_crates() {
        accepted("mechanism/mod.rs", "mod rsa; mod digest; fn f() { rsa::f(); digest::ROWS.len(); }");
        accepted("mechanism/x.rs", "use crate::crypto::{rsa, hmac as mac}; fn f() { rsa::f(); mac::g(); }");
        accepted("mechanism/x.rs", "use super::digest; fn f(digest: u8) { digest::ROWS; }");
        accepted("mechanism/x.rs", "fn f(digest: u8, cipher: X) { cipher.digest(digest); self::f(); }");
    }

    #[test]
    fn a_file_that_is_too_long_is_found_and_its_tests_are_not_counted() {
        let code = "// line\n".repeat(LINES);
        let tests = "#[cfg(test)]\nmod tests {\n    // line\n}\n";
        accepted("api/mod.rs", &code);
        accepted("api/mod.rs", &format!("{code}{tests}"));
        refused("api/mod.rs", &format!("{code}// one more\n"));
        refused("api/mod.rs", &format!("{code}// one more\n{tests}"));
        refused("api/mod.rs", &format!("{code}{tests}// one more\n"));
    }

    #[test]
    fn a_file_taken_in_by_its_path_stands_where_it_is_declared() {
        let declaring = Source::new("crypto/ec.rs", "#[cfg(test)]\n#[path = \"ec_tests.rs\"]\nmod tests;");
        let taken = |text| Source::new("crypto/ec_tests.rs", text);
        let [one, two] =
            ["use super::super::hash::Hash;", "use super::super::super::api::Module;"].map(taken);
        let mut sources = [declaring, one];
        super::place(&mut sources);
        assert_eq!(sources.iter().flat_map(violations).collect::<Vec<_>>(), Vec::<String>::new());
        sources[1] = two;
        super::place(&mut sources);
        assert_ne!(sources.iter().flat_map(violations).collect::<Vec<_>>(), Vec::<String>::new());
    }

    #[test]
    fn a_room_that_is_not_in_the_picture_is_found() {
        refused("helpers/mod.rs", "");
        refused("store/mod.rs", "use crate::helpers::x;");
    }
}
