//! `tokentool configure`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bench::{Bench, Ended, PIN, TOOL};

/// A file that is called like our module; nobody loads it.
fn module(bench: &Bench, name: &str) -> PathBuf {
    let path = bench.path(name);
    fs::write(&path, "").unwrap();
    path
}

fn configure(bench: &Bench, more: &[&str]) -> Ended {
    let module = module(bench, "libtokenkeep.so");
    bench.run(&[&["configure", "--module", module.to_str().unwrap()], more].concat())
}

fn clients(bench: &Bench) -> Vec<String> {
    let name = |row: &serde_json::Value| row["client"].as_str().unwrap().to_owned();
    bench.json(&["configure"]).as_array().unwrap().iter().map(name).collect()
}

#[test]
fn every_client_is_listed_printed_whole_and_written_as_printed() {
    let bench = Bench::with(&["bench"]);
    let list = configure(&bench, &[]);
    for client in clients(&bench) {
        assert!(list.ok().contains(&client));
        let to = bench.path(&format!("{client} here"));
        let to = to.to_str().unwrap();
        let words = [client.as_str(), "--key", "web"];
        let printed = configure(&bench, &words);
        assert!(!printed.ok().contains('@'), "{client}: {}", printed.out);
        let wants = !["firefox-policy"].contains(&client.as_str());
        let said = printed.out.contains(bench.dir().to_str().unwrap());
        assert!(said || !wants, "{client}: nothing says where the tokens are: {}", printed.out);
        configure(&bench, &[&words[..], &["--write", "--to", to]].concat()).ok();
        for file in fs::read_dir(to).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#') && !line.contains(to));
            for line in lines {
                assert!(printed.out.contains(line), "{client} prints no {line:?}");
            }
        }
    }
}

#[test]
fn a_file_is_written_once_and_the_old_one_kept() {
    let bench = Bench::new();
    let place = bench.path(".config/pkcs11/modules/tokenkeep.module");
    assert!(configure(&bench, &["p11-kit", "--write"]).ok().contains("is written"));
    let first = fs::read_to_string(&place).unwrap();
    assert!(first.contains(&format!("module: {}", bench.path("libtokenkeep.so").display())), "{first}");
    assert!(configure(&bench, &["p11-kit", "--write"]).ok().contains("was so already"));
    for number in [1, 2] {
        fs::write(&place, format!("mine {number}")).unwrap();
        let kept = format!("{}.~{number}~", place.display());
        assert!(configure(&bench, &["p11-kit", "--write"]).ok().contains(&kept));
        assert_eq!(fs::read_to_string(kept).unwrap(), format!("mine {number}"));
        assert_eq!(fs::read_to_string(&place).unwrap(), first);
    }
}

#[test]
fn of_two_that_replace_a_file_at_once_the_second_is_refused() {
    let bench = Bench::new();
    configure(&bench, &["git", "--write"]).ok();
    let place = bench.path(".gitconfig");
    fs::write(&place, "mine").unwrap();
    let first = fs::File::open(&place).unwrap();
    first.lock().unwrap();
    configure(&bench, &["git", "--write"]).fails(&["another process", "the other one has ended"]);
    assert_eq!(fs::read_to_string(&place).unwrap(), "mine");
    drop(first);
    configure(&bench, &["git", "--write"]).ok();
}

#[test]
fn tokens_in_a_directory_called_as_if_it_were_ours_stay() {
    let bench = Bench::with(&["bench"]);
    let ours = bench.path(".tokenkeep-ci");
    fs::rename(bench.dir(), &ours).unwrap();
    let dir = ours.to_str().unwrap();
    bench.run(&["snapshot", bench.path("x.snapshot").to_str().unwrap(), "--dir", dir]).ok();
    configure(&bench, &["git", "--write", "--dir", dir]).ok();
    assert_eq!(bench.json(&["list", "--dir", dir]).as_array().unwrap().len(), 1);
}

#[test]
fn what_else_stands_in_a_users_file_stays() {
    let bench = Bench::new();
    let place = bench.path(".ssh/config");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, "Host home\n    User me\n").unwrap();
    configure(&bench, &["ssh", "--write"]).ok();
    let once = fs::read_to_string(&place).unwrap();
    assert!(once.starts_with("Host home\n    User me\n") && once.contains("PKCS11Provider"), "{once}");
    fs::create_dir(bench.path("other")).unwrap();
    let other = module(&bench, "other/libtokenkeep.so");
    bench.run(&["configure", "ssh", "--write", "--module", other.to_str().unwrap()]).ok();
    let twice = fs::read_to_string(&place).unwrap();
    assert_eq!(twice, once.replace("/libtokenkeep.so", "/other/libtokenkeep.so"));
}

#[test]
fn a_pin_goes_into_a_file_for_the_owner_and_nowhere_else() {
    let bench = Bench::with(&["bench"]);
    let to = bench.path("etc");
    configure(&bench, &["openssl-engine", "--pin", PIN]).fails(&["not printed", "--write"]);
    configure(&bench, &["openssl-engine", "--pin", PIN, "--write", "--to", to.to_str().unwrap()]).ok();
    let file = to.join("openssl-engine.cnf");
    assert!(fs::read_to_string(&file).unwrap().contains(&format!("\nPIN = {PIN}\n")));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let odd = "12\"; $(x)";
    let refused = configure(&bench, &["openssl-engine", "--pin", odd, "--write"]);
    refused.fails(&["the PIN has characters"]);
    assert!(!refused.err.contains(odd));
}

#[test]
fn what_other_users_must_read_they_can_unless_a_pin_is_in_it() {
    let bench = Bench::with(&["bench"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let module = module(&bench, "libtokenkeep.so");
    for client in clients(&bench) {
        let words = ["configure", &client, "--module", module.to_str().unwrap()];
        let places = bench.json(&words)["files"].to_string();
        for umask in ["077", "000"] {
            let to = bench.path(&format!("{client} {umask}"));
            let mut shell = bench.child("sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", TOOL]).args(words);
            shell.args(["--pin", PIN, "--write", "--to"]).arg(to.join("new")).stdout(Stdio::null());
            assert!(shell.status().unwrap().success(), "{client}");
            for path in bench::list(&to.join("new")) {
                let name = path.file_name().unwrap().to_str().unwrap();
                let public = places.contains("\"/etc/") && !fs::read_to_string(&path).unwrap().contains(PIN);
                assert_eq!(mode(&path), if public { 0o644 } else { 0o600 }, "{client}: {name}");
            }
            let expected = if places.contains("\"/etc/") && client != "stunnel" { 0o755 } else { 0o700 };
            assert_eq!((mode(&to), mode(&to.join("new"))), (expected, expected), "{client}");
        }
    }
}

#[test]
fn a_key_is_named_by_its_uri_and_the_file_of_the_pin() {
    let bench = Bench::with(&["my token"]);
    fs::write(bench.path("pin"), PIN).unwrap();
    let (pin, to) = (bench.path("pin"), bench.path("curl"));
    let words = ["curl", "--key", "web key", "--pin-file", pin.to_str().unwrap()];
    configure(&bench, &[&words[..], &["--write", "--to", to.to_str().unwrap()]].concat()).ok();
    let text = fs::read_to_string(to.join("curl.conf")).unwrap();
    let uri =
        format!("pkcs11:token=my%20token;object=web%20key;type=private?pin-source=file:{}", pin.display());
    assert!(text.contains(&uri), "{text}");
    assert!(!text.contains(PIN));
}

#[test]
fn another_module_is_told_nothing_of_our_tokens() {
    let bench = Bench::with(&["a", "b"]);
    configure(&bench, &["java"]).fails(&["there are 2 tokens", "--token a"]);
    let other = module(&bench, "libother.so");
    let words =
        ["configure", "java", "--module", other.to_str().unwrap(), "--token", "bench", "--slot", "77"];
    let text = bench.run(&words);
    assert!(text.ok().contains("\nslot = 77\n") && text.out.contains("libother.so"), "{}", text.out);
    assert!(!text.out.contains("nssArgs"));
}

#[test]
fn the_profile_of_firefox_is_found_or_asked_for() {
    let bench = Bench::new();
    configure(&bench, &["firefox", "--write"]).fails(&["names no profile", "--to DIR"]);
    let firefox = bench.path(".mozilla/firefox");
    fs::create_dir_all(firefox.join("x.default-esr")).unwrap();
    fs::write(firefox.join("installs.ini"), "[3B6073811A6ABF12]\nDefault=x.default-esr\nLocked=1\n").unwrap();
    configure(&bench, &["firefox", "--write"]).ok();
    let text = fs::read_to_string(firefox.join("x.default-esr/pkcs11.txt")).unwrap();
    assert!(text.contains("\nname=Tokenkeep\n"), "{text}");
}

#[test]
fn a_path_that_would_break_out_of_its_quotation_is_refused() {
    let bench = Bench::new();
    let odd = module(&bench, "lib\"odd.so");
    bench.run(&["configure", "firefox-policy", "--module", odd.to_str().unwrap()]).fails(&["misread"]);
    configure(&bench, &["telnet"]).misused("telnet");
}

#[test]
fn the_policy_of_firefox_is_json() {
    let bench = Bench::new();
    let policy = configure(&bench, &["firefox-policy"]);
    let policy: serde_json::Value = serde_json::from_str(policy.ok()).unwrap();
    let module = bench.path("libtokenkeep.so").canonicalize().unwrap();
    assert_eq!(policy["policies"]["SecurityDevices"]["Add"]["Tokenkeep"], module.to_str().unwrap());
}

#[test]
fn what_the_token_has_not_and_files_cannot_say_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::with(&["bench"]);
    configure(&bench, &["java", "--slot", "77"]).fails(&["is in slot 0, not in slot 77"]);
    configure(&bench, &["java", "--slot", "0"]).ok();
    configure(&bench, &["--write"]).misused("CLIENT");
    let told = configure(&bench, &["ssh", "--write"]);
    assert!(told.ok().contains(&format!("TOKENKEEP_DIR={}", bench.dir().display())), "{}", told.out);
    let told = configure(&bench, &["git", "--key", "nothere", "--write"]);
    assert!(told.ok().contains("is called \"nothere\""), "{}", told.out);
    let file = bench.path("libtokenkeep.so").display().to_string();
    configure(&bench, &["p11-kit", "--write", "--to", &file]).fails(&["libtokenkeep.so is no directory"]);
    let odd = bench.path("").join(std::ffi::OsStr::from_bytes(b"\xff"));
    let mut command = bench.command(&["configure", "env", "--module", &file]);
    bench::ended(command.env("TOKENKEEP_DIR", odd)).fails(&["is not UTF-8 text"]);
}
