//! How it stands with a PIN, in words.

use serde::Serialize;
use tokenkeep::store::Header;
use tokenkeep::token::User;

use crate::paint::{BAD, FAINT, GOOD, WARN};
use crate::table::Cell;

/// The state of a PIN, and its counter when there is one.
#[derive(Serialize)]
pub struct PinFacts {
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_max: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub to_be_changed: bool,
}

/// What the counter says.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    NotSet,
    Ok,
    Low,
    FinalTry,
    Locked,
}

impl PinFacts {
    /// The PIN of that user.
    pub fn of(header: &Header, user: User) -> PinFacts {
        let Some(pin) = header.pin(user.role()) else {
            return PinFacts {
                state: State::NotSet,
                tries_left: None,
                tries_max: None,
                to_be_changed: false,
            };
        };
        let state = match pin.tries_left {
            0 => State::Locked,
            left if left == pin.tries_max => State::Ok,
            1 => State::FinalTry,
            _ => State::Low,
        };
        PinFacts {
            state,
            tries_left: Some(pin.tries_left),
            tries_max: Some(pin.tries_max),
            to_be_changed: pin.to_be_changed,
        }
    }
}

/// The state in a word or two.
pub fn cell(pin: &PinFacts) -> Cell {
    let tries = format!("{} of {} tries left", pin.tries_left.unwrap_or(0), pin.tries_max.unwrap_or(0));
    match pin.state {
        State::NotSet => Cell::styled(FAINT, "not set"),
        State::Ok if pin.to_be_changed => Cell::styled(WARN, "to be changed"),
        State::Ok => Cell::styled(GOOD, "ok"),
        State::Low => Cell::styled(WARN, tries),
        State::FinalTry => Cell::styled(BAD, "last try"),
        State::Locked => Cell::styled(BAD, "locked"),
    }
}
