//! The benchmark as a page: the table, and a plot for each curve, in one file without scripts.

use std::path::PathBuf;

use plotters::prelude::*;

use super::growth::Curve;
use super::{Row, cell, name, told};

const SIZE: (u32, u32) = (640, 400);
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 98, 152), RGBColor(202, 80, 16), RGBColor(80, 130, 50), RGBColor(120, 70, 150)];

const STYLE: &str = "body { font: 15px/1.5 sans-serif; max-width: 82rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } td.goal, th.goal { text-align: left } .short { color: #b00020; font-weight: bold }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }";

/// The page, as HTML.
///
/// # Errors
/// What the plotter says.
pub fn page(rows: &[Row], curves: &[Curve], modules: &[PathBuf]) -> Result<String, String> {
    let heads: String = modules.iter().map(|module| format!("<th>{}</th>", name(module))).collect();
    let body: String = rows.iter().enumerate().map(|(at, row)| table_row(row, &rows[..at])).collect();
    let plots = curves.iter().map(|curve| plot(curve, modules)).collect::<Result<String, String>>()?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>conformance bench</title>\n\
         <style>{STYLE}</style>\n<h1>Modules side by side</h1>\n\
         <p>Medians of rounds that take turns; the ratio is the first module to the second.</p>\n\
         <table><tr><th>workload</th>{heads}<th>ratio</th><th>library alone</th><th class=\"goal\">goal</th></tr>\n{body}</table>\n\
         <h2>How it grows</h2>\n<div class=\"plots\">{plots}</div>\n</html>\n"
    ))
}

fn table_row(row: &Row, rows: &[Row]) -> String {
    let cells: String = row.figures.iter().map(|figure| format!("<td>{}</td>", cell(*figure, row))).collect();
    let (name, ratio, limit) = (row.workload.name, row.times(), cell(row.limit, row));
    let goal = row.workload.goal.judged(row, rows).map_or_else(String::new, |judgement| {
        let class = if judgement.reached { "goal" } else { "goal short" };
        format!("<td class=\"{class}\">{}</td>", judgement.text)
    });
    format!("<tr><td>{name}</td>{cells}<td>{ratio}</td><td>{limit}</td>{goal}</tr>\n")
}

/// Both axes logarithmic: what is flat is flat, and what grows in step is a diagonal.
fn plot(curve: &Curve, modules: &[PathBuf]) -> Result<String, String> {
    let what = curve.workload.unit;
    let line = |at: usize| {
        let figure = move |(x, figures): &(u32, Vec<Option<f64>>)| {
            figures.get(at).copied().flatten().map(|figure| (f64::from(*x), what.value(figure)))
        };
        curve.points.iter().filter_map(figure)
    };
    let all: Vec<(f64, f64)> = (0..modules.len()).flat_map(line).collect();
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = ends(&mut all.iter().map(|point| point.0));
    let (low, high) = ends(&mut all.iter().map(|point| point.1));
    if all.is_empty() || low <= 0.0 {
        return Ok(String::new());
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("{} ({})", curve.title(), what.name()), ("sans-serif", 18))
            .margin(12)
            .margin_right(32)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d((left..right * 1.05).log_scale(), (low / 2.0..high * 2.0).log_scale())
            .map_err(told)?;
        chart
            .configure_mesh()
            .x_desc(curve.axis)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| match y {
                0.0..0.1 => format!("{y:.2}"),
                0.1..10.0 => format!("{y:.1}"),
                _ => format!("{y:.0}"),
            })
            .light_line_style(WHITE)
            .draw()
            .map_err(told)?;
        for (at, (module, colour)) in modules.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let points: Vec<_> = line(at).collect();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))
                .map_err(told)?
                .label(name(module))
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart
                .draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))
                .map_err(told)?;
        }
        chart.configure_series_labels().border_style(BLACK.mix(0.3)).draw().map_err(told)?;
        area.present().map_err(told)?;
    }
    Ok(svg)
}
