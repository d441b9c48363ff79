//! A program that uses the scene's token from a process of its own. `tests/processes.rs` runs it.
//!
//! `process <mode> <directory>`; it says `ready`, waits for a line, does its work, and prints the answer's name.

use std::io::BufRead;

use tests::{Home, LABEL, Library, Result, Rv, USER_PIN, ids::*, template};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [mode, directory] = &arguments[..] else { panic!("usage: process <mode> <directory>") };
    let home = Home::at(directory);
    let library = Library::asleep(&home);
    println!("ready");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).expect("a line");
    let answer = match mode.as_str() {
        "wrong-pin" => login(&library, "000000"),
        "right-pin" => login(&library, USER_PIN),
        "work" => work(&library),
        "initialize" => library.initialize(),
        _ => panic!("no such mode: {mode}"),
    };
    println!("{}", answer.err().unwrap_or(Rv::Ok).name());
}

fn login(library: &Library, pin: &str) -> Result<()> {
    library.initialize()?;
    let slot = library.slot_of(LABEL).expect("the token is there");
    library.open(slot, true)?.login(CKU_USER, pin)
}

/// What a server does when it starts: log in, find the key, sign; and write something.
fn work(library: &Library) -> Result<()> {
    login(library, USER_PIN)?;
    let session = library.open(library.slot_of(LABEL).expect("the token is there"), true)?;
    let label = format!("of process {}", std::process::id());
    for number in 0..10u8 {
        session.create(&template![
            CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_PRIVATE => true, CKA_LABEL => label.as_str(),
            CKA_VALUE => &[number],
        ])?;
        let key = session.find(&template![CKA_CLASS => CKO_PRIVATE_KEY])?;
        session.sign(CKM_ECDSA, key[0], &[number; 32])?;
    }
    let own = session.find(&template![CKA_LABEL => label.as_str()])?;
    assert_eq!(own.len(), 10, "nothing of ours was lost");
    library.finalize()
}
