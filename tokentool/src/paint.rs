//! Colours, and text that cannot harm a terminal.

use anstyle::{AnsiColor, Style};

/// Column heads and names of facts.
pub const HEAD: Style = Style::new().bold();
/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What needs care.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// What is wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to do next.
pub const HINT: Style = AnsiColor::Cyan.on_default();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
/// Nothing special.
pub const PLAIN: Style = Style::new();

/// Text with a style around it.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from a token as it can be shown: no control characters, which could rewrite the screen.
pub fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .flat_map(|c| {
            let harmful = c.is_control() || is_bidi(c);
            let shown: Box<dyn Iterator<Item = char>> =
                if harmful { Box::new(c.escape_unicode()) } else { Box::new(std::iter::once(c)) };
            shown
        })
        .collect()
}

/// The characters that turn the direction of text around.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// `1 try`, `2 tries`.
pub fn count(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_a_label_are_shown_and_not_obeyed() {
        assert_eq!(plain(b"a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("Gr\u{fc}n".as_bytes()), "Gr\u{fc}n");
        assert_eq!(plain(b"\xff"), "\u{fffd}");
    }
}
