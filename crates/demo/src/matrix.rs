//! Who reaches whom: measured beside computed.

use std::collections::BTreeMap;

/// A matrix of ordered pairs, by names in the order of `names`.
pub(crate) struct Matrix {
    pub(crate) names: Vec<String>,
    /// By sender and receiver: measured, where packets were sent, and computed.
    pub(crate) cells: BTreeMap<(String, String), (Option<bool>, bool)>,
}

impl Matrix {
    /// The pairs for which packets did something else than the tracer says.
    pub(crate) fn disagreements(&self) -> Vec<String> {
        let differs = |((from, to), (measured, computed)): (&(String, String), &(Option<bool>, bool))| {
            measured.filter(|measured| measured != computed).map(|measured| {
                let word = |yes: bool| if yes { "reachable" } else { "not reachable" };
                format!("{from} → {to}: {} by packets, {} by the tracer", word(measured), word(*computed))
            })
        };
        self.cells.iter().filter_map(differs).collect()
    }

    /// The pairs for which the tracer says something else than `expected`.
    pub(crate) fn surprises(&self, expected: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let surprising = |((from, to), (_, computed)): (&(String, String), &(Option<bool>, bool))| {
            let not = if *computed { "" } else { "not " };
            (*computed != expected(from, to)).then(|| format!("{from} → {to} is {not}reachable"))
        };
        self.cells.iter().filter_map(surprising).collect()
    }

    /// Both matrices side by side; senders are rows. One alone where nothing was measured.
    pub(crate) fn lines(&self) -> Vec<String> {
        let measured = self.cells.values().any(|(measured, _)| measured.is_some());
        let computed = self.half("computed by the tracer", |(_, computed)| Some(computed));
        if !measured {
            return computed.into_iter().map(|line| line.trim_end().to_owned()).collect();
        }
        let packets = self.half("measured with packets", |(measured, _)| measured);
        packets.iter().zip(&computed).map(|(left, right)| format!("{left}    {right}").trim_end().to_owned()).collect()
    }

    fn half(&self, title: &str, value: impl Fn((Option<bool>, bool)) -> Option<bool>) -> Vec<String> {
        let width = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let total = ((width + 1) * (self.names.len() + 1)).max(title.len());
        let mut lines = vec![format!("{title:<total$}")];
        let header: String = self.names.iter().map(|name| format!(" {name:<width$}")).collect();
        lines.push(format!("{:<total$}", format!("{:width$}{header}", "")));
        for from in &self.names {
            let cell = |to: &String| {
                let mark = match self.cells.get(&(from.clone(), to.clone())).and_then(|cell| value(*cell)) {
                    Some(true) => "yes",
                    Some(false) => "-",
                    None => "",
                };
                format!(" {mark:<width$}")
            };
            let row: String = self.names.iter().map(cell).collect();
            lines.push(format!("{:<total$}", format!("{from:<width$}{row}")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(measured: Option<bool>) -> Matrix {
        let names = vec!["ECS-A".to_owned(), "RDS-B".to_owned()];
        let cell = |from: &str, to: &str, value| ((from.to_owned(), to.to_owned()), value);
        let cells =
            [cell("ECS-A", "RDS-B", (measured, true)), cell("RDS-B", "ECS-A", (measured.map(|_| false), false))];
        Matrix { names, cells: cells.into() }
    }

    #[test]
    fn both_halves_stand_side_by_side() {
        assert_eq!(
            matrix(Some(true)).lines(),
            [
                "measured with packets    computed by the tracer",
                "      ECS-A RDS-B              ECS-A RDS-B",
                "ECS-A       yes          ECS-A       yes",
                "RDS-B -                  RDS-B -",
            ]
            .map(str::to_owned)
        );
        assert_eq!(matrix(None).lines().len(), 4);
        assert_eq!(matrix(None).lines()[3], "RDS-B -");
    }

    #[test]
    fn what_differs_is_named() {
        assert!(matrix(Some(true)).disagreements().is_empty());
        assert_eq!(
            matrix(Some(false)).disagreements(),
            ["ECS-A → RDS-B: not reachable by packets, reachable by the tracer"]
        );
        assert!(matrix(None).disagreements().is_empty());
        assert_eq!(matrix(None).surprises(|_, _| true), ["RDS-B → ECS-A is not reachable"]);
    }
}
