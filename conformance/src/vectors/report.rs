//! The table of what the vectors showed, and the count beside other tokens.

use super::tally::{Evidence, Tally};

/// The mechanisms of this and other tokens: name, tier (core, full, or ours where no other has it), and whether
/// SoftHSM and kryoptic have it.
const MECHANISMS: &str = include_str!("../../mechanisms.csv");

struct Row {
    name: &'static str,
    tier: &'static str,
    softhsm: bool,
    kryoptic: bool,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut cells = line.split(',');
        let mut next = || cells.next().unwrap_or_default();
        Row { name: next(), tier: next(), softhsm: next() == "1", kryoptic: next() == "1" }
    };
    MECHANISMS.lines().skip(1).map(row).collect()
}

/// Prints the table; true when nothing failed.
pub fn print(tally: &Tally, beside: Option<&Tally>) -> bool {
    for (mechanism, sources) in &tally.mechanisms {
        let passed: usize = sources.values().map(|evidence| evidence.passed).sum();
        println!("{mechanism:<40} {passed:>6} passed  {}", told(sources));
        for (source, evidence) in sources {
            for failure in &evidence.failed {
                println!("    FAILED {source}, {failure}");
            }
        }
    }
    for (why, count) in &tally.left_out {
        println!("left out: {count} vectors: {why}");
    }
    let rows = rows();
    let tier = |tier: &str| {
        let all = rows.iter().filter(|row| row.tier == tier);
        let missing: Vec<_> = all.clone().filter(|row| !tally.proven(row.name)).map(|row| row.name).collect();
        (all.count(), missing)
    };
    let (core, full) = (tier("core"), tier("full"));
    for name in core.1.iter().chain(&full.1) {
        let offered = if tally.offered.contains(*name) { "not proven" } else { "not offered" };
        println!("{offered}: {name}");
    }
    println!(
        "{} of {} core and {} of {} full mechanisms proven; {} vectors passed, {} failed",
        core.0 - core.1.len(),
        core.0,
        full.0 - full.1.len(),
        full.0,
        tally.passed(),
        tally.failed()
    );
    let ours = |row: &&Row| matches!(row.tier, "core" | "full");
    let claims = |has: fn(&Row) -> bool| rows.iter().filter(ours).filter(|row| has(row)).count();
    println!(
        "of these SoftHSM has {}, kryoptic {} (conformance/mechanisms.csv)",
        claims(|row| row.softhsm),
        claims(|row| row.kryoptic)
    );
    if let Some(beside) = beside {
        let proven = rows.iter().filter(ours).filter(|row| beside.proven(row.name)).count();
        let wrong: Vec<_> = beside.mechanisms.keys().filter(|name| !beside.proven(name)).cloned().collect();
        println!(
            "the module beside: {proven} mechanisms proven; {} vectors passed, {} failed ({})",
            beside.passed(),
            beside.failed(),
            wrong.join(", ")
        );
    }
    tally.failed() == 0
}

fn told(sources: &std::collections::BTreeMap<String, Evidence>) -> String {
    let one = |(source, evidence): (&String, &Evidence)| match evidence.failed.len() {
        0 => format!("{source} {}", evidence.passed),
        failed => format!("{source} {} ({failed} FAILED)", evidence.passed),
    };
    sources.iter().map(one).collect::<Vec<_>>().join(", ")
}
