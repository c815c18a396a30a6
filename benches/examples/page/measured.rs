//! Reads the measurements that the benches left in the target folder.

use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// One measurement of criterion.
pub struct Measured {
    pub group: String,
    pub function: String,
    pub size: Option<u64>,
    /// Nanoseconds of the fastest sample; `median` has those of the middle one.
    pub fastest: f64,
    pub median: f64,
    pub elements: Option<f64>,
}

fn json(path: &Path) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

fn numbers(value: &Value) -> impl Iterator<Item = f64> + '_ {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64)
}

fn read(folder: &Path) -> Result<(String, Measured), Box<dyn Error>> {
    let about = json(&folder.join("benchmark.json"))?;
    let sample = json(&folder.join("sample.json"))?;
    let text = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
    let mut times: Vec<f64> =
        numbers(&sample["times"]).zip(numbers(&sample["iters"])).map(|(time, count)| time / count).collect();
    times.sort_by(f64::total_cmp);
    let (fastest, median) = (times.first().copied(), times.get(times.len() / 2).copied());
    let measured = Measured {
        group: text("group_id"),
        function: text("function_id"),
        size: text("value_str").parse().ok(),
        fastest: fastest.ok_or("no samples")?,
        median: median.ok_or("no samples")?,
        elements: about["throughput"]["Elements"].as_f64(),
    };
    Ok((text("full_id"), measured))
}

/// Returns all measurements of criterion by their full names.
pub fn all(folder: &Path) -> Result<BTreeMap<String, Measured>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if folder.ends_with("new") && folder.join("benchmark.json").is_file() {
            found.extend([read(&folder)?]);
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

/// A figure of the bench `memory`: name, value and unit.
pub type Size = (String, u64, String);

/// Returns all figures of the bench `memory`.
pub fn memory(folder: &Path) -> Result<Vec<Size>, Box<dyn Error>> {
    let figures = json(&folder.join("memory.json"))?;
    let text = |figure: &Value, name: &str| figure[name].as_str().unwrap_or_default().to_owned();
    let row = |figure: &Value| (text(figure, "name"), figure["value"].as_u64().unwrap_or(0), text(figure, "unit"));
    Ok(figures.as_array().into_iter().flatten().map(row).collect())
}
