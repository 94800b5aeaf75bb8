//! The path of a packet as a drawing: a box for each VPC with what the packet meets there, an arrow for each peering.

use client::types::Step;

/// Columns that a box needs besides its text: borders and blanks.
const FRAME: usize = 4;
/// Columns in front of a drawing.
const INDENT: &str = "  ";

/// A VPC on the way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Node {
    title: String,
    lines: Vec<String>,
    /// The peering by which the packet came here.
    by: String,
}

impl Node {
    fn width(&self) -> usize {
        let lines = self.lines.iter().map(|line| columns(line) + FRAME);
        lines.chain([columns(&self.title) + FRAME + 2]).max().unwrap_or(FRAME)
    }

    fn add(&mut self, line: String) {
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

/// The drawing of one way, from left to right where it fits into `width` columns, else from top to bottom. Empty for a
/// way without steps.
pub(super) fn draw(steps: &[Step], width: usize) -> String {
    let nodes = nodes(steps);
    let gaps: usize = nodes.iter().skip(1).map(gap).sum();
    let boxes: usize = nodes.iter().map(Node::width).sum();
    if nodes.is_empty() {
        String::new()
    } else if INDENT.len() + boxes + gaps <= width {
        across(&nodes)
    } else {
        down(&nodes)
    }
}

fn nodes(steps: &[Step]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut peering = String::new();
    let mut at: Option<&str> = None;
    for step in steps {
        let title = step.vpc.as_deref().unwrap_or("peer side");
        if at != Some(title) {
            nodes.push(Node { title: title.to_owned(), lines: Vec::new(), by: std::mem::take(&mut peering) });
            at = Some(title);
        }
        let Some(node) = nodes.last_mut() else { continue };
        let lost = step.verdict.as_deref() == Some("drop");
        match step.kind.as_str() {
            "sent" | "forwarded" | "delivered" if !lost => node.add(match &step.subnet {
                Some(subnet) => format!("{} ({subnet})", step.place),
                None => step.place.clone(),
            }),
            "peering" if !lost => peering.clone_from(&step.place),
            "dropped" => node.add(format!("✗ {}", step.detail)),
            "hidden" => node.add("not yours to see".to_owned()),
            _ if lost => node.add(format!("✗ {}", step.place)),
            _ => {}
        }
    }
    nodes
}

/// Columns between two boxes.
fn gap(node: &Node) -> usize {
    columns(&node.by).max(2) + 2
}

fn across(nodes: &[Node]) -> String {
    let height = nodes.iter().map(|node| node.lines.len()).max().unwrap_or(0).max(1);
    // The arrow is on the first line of the boxes, its label above it.
    let mut rows = vec![INDENT.to_owned(); height + 2];
    for (place, node) in nodes.iter().enumerate() {
        let followed = place + 1 < nodes.len();
        let width = node.width();
        for (number, row) in rows.iter_mut().enumerate() {
            if place > 0 {
                let gap = gap(node);
                row.push_str(&match number {
                    0 => format!(" {:^1$} ", node.by, gap - 2),
                    1 => format!("{}▶", "─".repeat(gap - 1)),
                    _ => " ".repeat(gap),
                });
            }
            row.push_str(&match number {
                0 => top(node, width),
                n if n == height + 1 => bottom(width),
                n => {
                    let text = node.lines.get(n - 1).map_or("", String::as_str);
                    let end = if n == 1 && followed { '├' } else { '│' };
                    let rest = " ".repeat((width - FRAME).saturating_sub(columns(text)));
                    format!("│ {text}{rest} {end}")
                }
            });
        }
    }
    finished(&rows)
}

fn down(nodes: &[Node]) -> String {
    let width = nodes.iter().map(Node::width).max().unwrap_or(FRAME);
    let mut rows = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        if place > 0 {
            rows.push(format!("{INDENT}    │ {}", node.by));
            rows.push(format!("{INDENT}    ▼"));
        }
        rows.push(format!("{INDENT}{}", top(node, width)));
        for line in &node.lines {
            let rest = " ".repeat((width - FRAME).saturating_sub(columns(line)));
            rows.push(format!("{INDENT}│ {line}{rest} │"));
        }
        rows.push(format!("{INDENT}{}", bottom(width)));
    }
    finished(&rows)
}

fn top(node: &Node, width: usize) -> String {
    let rest = width.saturating_sub(columns(&node.title) + 5);
    format!("┌─ {} {}┐", node.title, "─".repeat(rest))
}

fn bottom(width: usize) -> String {
    format!("└{}┘", "─".repeat(width.saturating_sub(2)))
}

fn finished(rows: &[String]) -> String {
    rows.iter().map(|row| format!("{}\n", row.trim_end())).collect()
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    // East Asian characters, which names may have, take two.
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}') { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(place: &str, vpc: Option<&str>, kind: &str, detail: &str, verdict: Option<&str>) -> Step {
        Step {
            place: place.to_owned(),
            vpc: vpc.map(str::to_owned),
            kind: kind.to_owned(),
            detail: detail.to_owned(),
            verdict: verdict.map(str::to_owned),
            ..Step::default()
        }
    }

    fn way() -> Vec<Step> {
        let (a, b, pass, drop) = (Some("VPC-A"), Some("VPC-数据"), Some("pass"), Some("drop"));
        vec![
            step("ECS-A01", a, "sent", "10.0.0.1 → 10.1.0.1", None),
            step("rtb-VPC-A", a, "route", "10.1.0.0/16 → peering Peering-AB", pass),
            step("Peering-AB", a, "peering", "ACTIVE", pass),
            step("rtb-VPC-B", b, "route", "10.1.0.0/24 → local", pass),
            step("RDS-B01", b, "security-group", "inbound: no rule matches", drop),
            step("VPC-B", b, "dropped", "security_group", drop),
        ]
    }

    #[test]
    fn boxes_stand_side_by_side_where_they_fit() {
        insta::assert_snapshot!(draw(&way(), 80));
    }

    #[test]
    fn boxes_stand_below_each_other_where_they_do_not() {
        insta::assert_snapshot!(draw(&way(), 40));
    }

    #[test]
    fn what_is_hidden_is_a_box_of_its_own() {
        let mut steps = way();
        steps.truncate(3);
        steps.push(step("peer side", None, "hidden", "left your VPC", None));
        insta::assert_snapshot!(draw(&steps, 80));
        assert_eq!(draw(&[], 80), "");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!((columns("VPC-数据"), columns("✗ ab")), (8, 4));
    }
}
