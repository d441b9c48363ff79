//! Tables and lists of facts, aligned whatever is in them.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::paint::{HEAD, PLAIN, paint};

/// A cell: text and how it is painted.
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Painted text.
    pub fn styled(style: Style, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::styled(PLAIN, text)
    }
}

/// Which side of a column its text keeps to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Rows under heads.
pub struct Table {
    heads: Vec<(&'static str, Side)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these heads; one that begins with `>` has its numbers at the right.
    pub fn new(heads: &[&'static str]) -> Table {
        let head = |head: &&'static str| match head.strip_prefix('>') {
            Some(head) => (head, Side::Right),
            None => (*head, Side::Left),
        };
        Table { heads: heads.iter().map(head).collect(), rows: Vec::new() }
    }

    /// One more row, with a cell for each head.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table; a column in which nothing stands is left out.
    pub fn text(&self) -> String {
        let width =
            |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width()).max();
        let columns: Vec<(usize, usize)> = (0..self.heads.len())
            .filter_map(|at| {
                width(at).filter(|width| *width > 0).map(|width| (at, width.max(self.heads[at].0.len())))
            })
            .collect();
        let heads = self.heads.iter().map(|(head, _)| Cell::styled(HEAD, *head)).collect();
        std::iter::once(&heads).chain(&self.rows).map(|row| self.line(row, &columns)).collect()
    }

    fn line(&self, row: &[Cell], columns: &[(usize, usize)]) -> String {
        let mut line = String::new();
        let mut gap = 0;
        for (at, width) in columns {
            let Some(cell) = row.get(*at) else { continue };
            let free = width.saturating_sub(cell.text.width());
            let (before, after) = if self.heads[*at].1 == Side::Right { (free, 0) } else { (0, free) };
            // Blanks are written only before something, so that no line ends with them.
            if !cell.text.is_empty() {
                line += &" ".repeat(gap + before);
                line += &paint(cell.style, &cell.text);
                gap = after + 2;
            } else {
                gap += width + 2;
            }
        }
        line + "\n"
    }
}

/// Names and values, one pair a line, indented by two.
pub fn facts(pairs: impl IntoIterator<Item = (&'static str, Cell)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let line = |(name, cell): &(&str, Cell)| {
        let gap = " ".repeat(width - name.width());
        format!("  {}{gap}  {}\n", paint(crate::paint::FAINT, name), paint(cell.style, &cell.text))
    };
    pairs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_also_under_wide_letters() {
        let mut table = Table::new(&[">SLOT", "LABEL", "EMPTY", "FILE"]);
        table.row(["0".into(), "\u{65e5}\u{672c}".into(), "".into(), "a".into()]);
        table.row(["11".into(), "x".into(), "".into(), "b".into()]);
        table.row(["2".into(), "y".into(), "".into(), "".into()]);
        let text = anstream::adapter::strip_str(&table.text()).to_string();
        assert_eq!(text, "SLOT  LABEL  FILE\n   0  \u{65e5}\u{672c}   a\n  11  x      b\n   2  y\n");
    }
}
