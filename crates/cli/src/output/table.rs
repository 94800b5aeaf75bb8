//! Tables: columns two spaces apart, so that they can be cut and sorted; a bold head on terminals.

use anstyle::Style;
use comfy_table::{Cell, Table as Layout, TableStyle};

use super::styled;

/// Rows under a head.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    empty: String,
}

/// What stands for nothing.
fn dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

impl Table {
    /// A table with this head and no rows.
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.iter().map(|text| (*text).to_owned()).collect(), rows: Vec::new(), empty: String::new() }
    }

    /// A table whose number of columns is not known before.
    pub(crate) fn with_head(head: Vec<String>) -> Self {
        Self { head, rows: Vec::new(), empty: String::new() }
    }

    /// What a person reads instead of a table without rows.
    pub(crate) fn empty(mut self, text: impl Into<String>) -> Self {
        self.empty = text.into();
        self
    }

    /// Adds a row; empty cells are shown as a dash.
    pub(crate) fn row<I>(&mut self, cells: I)
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.rows.push(cells.into_iter().map(|cell| dash(cell.as_ref())).collect());
    }

    /// The text, which ends with a line feed. Without a terminal a table without rows is its head alone.
    pub(crate) fn render(&self, terminal: bool) -> String {
        if terminal && self.rows.is_empty() && !self.empty.is_empty() {
            return format!("{}\n", self.empty);
        }
        let head = terminal.then_some(Style::new().bold());
        align(std::iter::once(&self.head).chain(&self.rows), head)
    }
}

/// The members of one object.
#[derive(Default)]
pub(crate) struct Details(Vec<Vec<String>>);

impl Details {
    /// Adds a member; an empty one is shown as a dash.
    pub(crate) fn field(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.push(vec![name.to_owned(), dash(value.as_ref())]);
        self
    }

    /// Adds a member with any number of values, one for each line.
    pub(crate) fn fields<I>(mut self, name: &str, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut values = values.into_iter().map(Into::into).peekable();
        if values.peek().is_none() {
            return self.field(name, "");
        }
        for (index, value) in values.enumerate() {
            self.0.push(vec![if index == 0 { name.to_owned() } else { String::new() }, value]);
        }
        self
    }

    /// The text, which ends with a line feed.
    pub(crate) fn render(&self) -> String {
        align(self.0.iter(), None)
    }
}

/// Columns two spaces apart, without spaces at the end of lines. The first line is in a style, if one is given.
fn align<'a>(rows: impl Iterator<Item = &'a Vec<String>>, head: Option<Style>) -> String {
    let mut layout = Layout::new();
    layout.load_style(TableStyle::new());
    for row in rows {
        layout.add_row(row.iter().map(Cell::new));
    }
    for column in layout.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for (index, line) in layout.to_string().lines().enumerate() {
        let line = line.trim_end();
        match head {
            Some(style) if index == 0 => text.push_str(&styled(style, line)),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["NAME", "ID", "STATUS"]);
        table.row(["VPC-A", "1", "OK"]);
        table.row(["é", "", "CREATING"]);
        table
    }

    #[test]
    fn piped_tables_are_plain_columns() {
        assert_eq!(table().render(false), "NAME   ID  STATUS\nVPC-A  1   OK\né      -   CREATING\n");
    }

    #[test]
    fn on_a_terminal_the_head_is_bold() {
        let text = table().render(true);
        assert!(text.starts_with("\u{1b}[1mNAME   ID  STATUS\u{1b}[0m\n"), "{text:?}");
    }

    #[test]
    fn nothing_is_a_sentence_for_people_and_a_head_for_programs() {
        let empty = || Table::new(["NAME"]).empty("no VPCs");
        assert_eq!(empty().render(true), "no VPCs\n");
        assert_eq!(empty().render(false), "NAME\n");
    }

    #[test]
    fn details_are_names_and_values() {
        let details = Details::default().field("name", "a").fields("subnets", ["x", "y"]).fields("tags", [""; 0]);
        assert_eq!(details.render(), "name     a\nsubnets  x\n         y\ntags     -\n");
    }
}
