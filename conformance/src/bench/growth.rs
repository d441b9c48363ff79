//! How a figure grows with one thing while all else stays.

use std::path::PathBuf;

use super::round::{Homes, Setting};
use super::workload::{self, Objects, Workload};
use super::{Arguments, medians, name};

/// What is varied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Threads,
    Processes,
    Sessions,
    Objects,
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Axis::Threads => "threads",
            Axis::Processes => "processes",
            Axis::Sessions => "open sessions",
            Axis::Objects => "objects",
        }
    }

    fn points(self, most: Objects) -> Vec<u32> {
        match self {
            Axis::Threads => vec![1, 2, 4, 8, 16],
            Axis::Processes => vec![1, 2, 4, 8],
            Axis::Sessions => vec![1, 100, 10_000],
            Axis::Objects => (1..=6).map(|power| 10u32.pow(power)).filter(|count| *count <= most).collect(),
        }
    }

    fn set(self, setting: Setting, point: u32) -> Setting {
        match self {
            Axis::Threads => Setting { threads: point, ..setting },
            Axis::Processes => Setting { processes: point, ..setting },
            Axis::Sessions => Setting { sessions: point, ..setting },
            Axis::Objects => Setting { objects: point, ..setting },
        }
    }
}

/// The workload that is run, and what is varied.
const CURVES: &[(&str, Axis)] = &[
    ("P-256 sign", Axis::Threads),
    ("P-256 sign", Axis::Processes),
    ("P-256 sign", Axis::Sessions),
    ("find among 10 000", Axis::Objects),
    ("sign among 10 000", Axis::Objects),
    ("login among 10 000", Axis::Objects),
    ("memory, 10 000", Axis::Objects),
    ("create object", Axis::Objects),
];

/// One workload against one thing.
pub struct Curve {
    pub workload: &'static Workload,
    pub axis: &'static str,
    /// What was set, and the figure of each module.
    pub points: Vec<(u32, Vec<Option<f64>>)>,
}

impl Curve {
    /// The workload without the number of objects that the table has.
    pub fn title(&self) -> String {
        let name = self.workload.name.trim_end_matches("10 000").trim_end_matches(", ").trim_end();
        format!("{} by {}", name.trim_end_matches(" among"), self.axis)
    }

    pub fn json(&self) -> serde_json::Value {
        let points =
            self.points.iter().map(|(at, figures)| serde_json::json!({ "at": at, "figures": figures }));
        serde_json::json!({ "workload": self.title(), "points": points.collect::<Vec<_>>() })
    }
}

/// All curves.
pub fn measured(arguments: &Arguments, homes: &Homes, modules: &[PathBuf]) -> Result<Vec<Curve>, String> {
    let mut curves = Vec::new();
    for (row, axis) in CURVES {
        let workload = workload::named(row).ok_or("no such workload")?;
        let mut curve = Curve { workload, axis: axis.name(), points: Vec::new() };
        if !curve.title().contains(&arguments.only) {
            continue;
        }
        if !arguments.json {
            println!("\n{}", curve.title());
        }
        for point in axis.points(arguments.most) {
            let setting = axis.set(arguments.setting(workload), point);
            let figures = medians(arguments.rounds, homes, modules, workload, setting)?;
            if !arguments.json {
                let tell =
                    |figure: &Option<f64>| figure.map_or_else(|| "–".into(), |f| workload.unit.tell(f));
                let cells = figures.iter().zip(modules);
                let cells: String =
                    cells.map(|(figure, module)| format!("{:>14} {}", tell(figure), name(module))).collect();
                println!("{point:>10}{cells}");
            }
            curve.points.push((point, figures));
        }
        curves.push(curve);
    }
    Ok(curves)
}
