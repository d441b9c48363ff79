//! What a figure of ours is measured by.

use super::Row;
use super::workload::Unit;

/// What is asked of a row.
#[derive(Clone, Copy)]
pub enum Goal {
    Nothing,
    /// So many times better than the second module.
    Peer(f64),
    /// So many times our own figure in another row.
    Own(f64, &'static str),
    /// At most so many times what the library needs alone.
    Alone(f64),
    /// At most so many milliseconds more than the library needs alone.
    Beyond(f64),
    /// At most so much, in the unit of the row.
    AtMost(f64),
}

/// What came of a goal.
pub struct Judgement {
    pub reached: bool,
    /// What is asked, and how near it is where the table does not tell.
    pub text: String,
}

impl Goal {
    /// Judges a row; `rows` are those before it. None where nothing is asked, or a figure is missing.
    pub fn judged(self, row: &Row, rows: &[Row]) -> Option<Judgement> {
        let ours = (*row.figures.first()?)?;
        let at_least = |is: f64, goal: f64, text: String| Judgement { reached: is >= goal, text };
        let at_most = |is: f64, goal: f64, text: String| Judgement { reached: is <= goal, text };
        Some(match self {
            Goal::Nothing => return None,
            Goal::Peer(goal) => at_least(row.ratio()?, goal, format!("≥ {goal:.2}×")),
            Goal::Own(goal, name) => {
                let other = rows.iter().find(|row| row.workload.name == name)?;
                let is = ours / (*other.figures.first()?)?;
                at_least(is, goal, format!("{is:.2} ≥ {goal:.2} × {name}"))
            }
            Goal::Alone(goal) => {
                let is = row.limit? / ours;
                at_most(is, goal, format!("{is:.2} ≤ {goal:.2} × alone"))
            }
            Goal::Beyond(goal) => {
                let is = Unit::Millis.value(ours) - Unit::Millis.value(row.limit?);
                at_most(is, goal, format!("{is:.1} ≤ {goal:.1} ms over alone"))
            }
            Goal::AtMost(goal) => {
                let unit = row.workload.unit;
                at_most(unit.value(ours), goal, format!("≤ {goal} {}", unit.name()))
            }
        })
    }
}
