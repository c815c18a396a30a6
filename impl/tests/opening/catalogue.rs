//! The catalogue of the cases: drivers that open files from a list and log their actions.

use blockgraph::drivers::{Filter, Format, Protocol, Raw};
use blockgraph::open::{
    Catalogue, DeleteFailure, DriverClass, DriverInfo, DriverList, LayerRequest, OpenError, OptionValue, Options,
};
use blockgraph::{Driver, Grant, NodeView, Policy, Preset, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The log of actions.
pub type Log = Arc<Mutex<Vec<String>>>;

/// An open driver that logs its actions.
#[derive(Clone, Debug)]
pub struct LoggedDriver {
    name: Arc<str>,
    preset: Preset,
    /// The file name of a protocol.
    filename: Option<Arc<str>>,
    /// The options that are not at their defaults.
    options: Options,
    refuses_check: bool,
    log: Log,
}

impl PartialEq for LoggedDriver {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.filename, &self.options) == (&other.name, &other.filename, &other.options)
    }
}

impl Policy for LoggedDriver {
    fn name(&self) -> &str {
        &self.name
    }
    shape_of_preset!();
    fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }
    fn options(&self) -> Options {
        self.options.clone()
    }
}

impl Driver for LoggedDriver {
    fn check_permissions(&mut self, _: &NodeView<'_>, _: Grant) -> Result<(), Refusal> {
        if self.refuses_check { Err(Refusal::new("Failed to lock byte 100")) } else { Ok(()) }
    }
    fn close(&mut self, name: &str) {
        self.log.lock().unwrap().push(format!("close {name}"));
    }
}

/// The drivers, the files, and the failures to inject.
#[derive(Default)]
pub struct ImageStore {
    pub log: Log,
    /// The contents of each file.
    pub files: BTreeMap<String, String>,
    pub faults: BTreeSet<String>,
    pub missing: BTreeSet<String>,
}

impl ImageStore {
    fn write(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    /// Returns whether this action on this subject is to fail.
    fn should_fail(&self, what: &str, subject: &str) -> bool {
        self.faults.contains(&format!("{what} {subject}"))
    }

    fn disk(&self, name: &str) -> LoggedDriver {
        let preset = match name {
            "file" | "nbd" => Protocol.into(),
            "throttle" => Filter.into(),
            "raw" => Raw.into(),
            _ => Format.into(),
        };
        let (filename, options, refuses_check) = (None, Options::new(), false);
        LoggedDriver { name: name.into(), preset, filename, options, refuses_check, log: Arc::clone(&self.log) }
    }

    /// Takes an option of this type out and records it as one that differs from its default.
    fn take_and_record(disk: &mut LoggedDriver, from: &mut Options, key: &str, number: bool) -> Result<(), OpenError> {
        let value: Option<OptionValue> = match number {
            true => from.take_number(key)?.map(OptionValue::Number),
            false => from.take_flag(key)?.map(OptionValue::Flag),
        };
        value.map_or(Ok(()), |value| disk.options.set(key, value))
    }

    fn take_all(&self, disk: &mut LoggedDriver, from: &mut Options) -> Result<(), OpenError> {
        match &*disk.name.clone() {
            "file" => {
                disk.filename = Some(from.take_text("filename")?.unwrap_or_default());
                Self::take_and_record(disk, from, "locking", false)
            }
            "nbd" => {
                disk.filename = from.take_text("filename")?;
                if let Some(host) = from.take_text("server.host")? {
                    disk.options.set("server.host", host)?;
                }
                Self::take_and_record(disk, from, "server.port", true)
            }
            "throttle" => Self::take_and_record(disk, from, "limit", true),
            "raw" => Self::take_and_record(disk, from, "offset", true),
            _ => Self::take_and_record(disk, from, "lazy", false),
        }
    }
}

fn refusal(error: OpenError) -> Refusal {
    Refusal::new(error.to_string())
}

impl DriverList for ImageStore {
    fn driver(&self, name: &str) -> Option<DriverInfo> {
        let class = match name {
            "file" | "nbd" => DriverClass::Protocol,
            "qcow2" | "vmdk" | "raw" => DriverClass::Format,
            "throttle" => DriverClass::Filter,
            _ => return None,
        };
        let creates = matches!(name, "file" | "qcow2" | "raw");
        (!self.missing.contains(name)).then(|| DriverInfo::new(name, class).creates(creates))
    }

    fn protocol(&self, prefix: &str) -> Option<DriverInfo> {
        self.driver(prefix).filter(|driver| driver.class == DriverClass::Protocol)
    }

    fn plain_file(&self) -> Option<DriverInfo> {
        self.driver("file")
    }

    fn formats(&self) -> Vec<Arc<str>> {
        vec!["vmdk".into(), "qcow2".into()]
    }
}

impl Catalogue<LoggedDriver> for ImageStore {
    /// A file is certainly of the format in its contents, possibly of another format with the same beginning, and of
    /// any format if it contains `both`.
    fn probe(&mut self, format: &str, file: &LoggedDriver) -> u32 {
        let name = file.filename.clone().unwrap_or_default();
        let certainty = match self.files.get(&*name).map(String::as_str) {
            Some("both") => 50,
            Some(content) if content == format => 100,
            Some("qcow2") => 10,
            _ => 0,
        };
        self.write(format!("probe {format} {name} {certainty}"));
        certainty
    }

    fn open(&mut self, layer: LayerRequest<'_, LoggedDriver>) -> Result<LoggedDriver, Refusal> {
        let mut disk = self.disk(layer.driver);
        self.take_all(&mut disk, layer.options).map_err(refusal)?;
        let name = disk.filename.clone().unwrap_or_default();
        let below = layer.file.map(|file| format!(" on {}", file.name));
        let over = layer.backing.map(|backing| format!(" over {}", backing.name));
        self.write(format!(
            "open {} {}{}{}",
            layer.driver,
            layer.node,
            below.unwrap_or_default(),
            over.unwrap_or_default()
        ));
        if layer.driver == "file" && !self.files.contains_key(&*name) {
            return Err(Refusal::new(format!("Could not open '{name}': No such file or directory")));
        }
        if self.should_fail("open", layer.node) {
            return Err(Refusal::new(format!("Could not open '{}': Permission denied", layer.node)));
        }
        disk.refuses_check = self.should_fail("check", layer.node);
        Ok(disk)
    }

    fn open_overlay(&mut self, node: &str) -> Result<LoggedDriver, Refusal> {
        self.write(format!("overlay {node}"));
        if self.should_fail("overlay", "") {
            return Err(Refusal::new("Could not get temporary filename: No space left on device"));
        }
        let kind = if self.should_fail("overlay", "throttle") { "raw" } else { "qcow2" };
        Ok(self.disk(kind))
    }

    fn create_file(&mut self, driver: &str, options: &mut Options) -> Result<LoggedDriver, Refusal> {
        let mut disk = self.disk(driver);
        self.take_all(&mut disk, options).map_err(refusal)?;
        let size = options.take_number("size").map_err(refusal)?;
        let name = disk.filename.clone().unwrap_or_default();
        self.write(format!("create {driver} {name} {}", size.unwrap_or(0)));
        if self.should_fail("create", &name) {
            return Err(Refusal::new(format!("Could not create '{name}': Permission denied")));
        }
        self.files.insert(name.to_string(), "-".into());
        Ok(disk)
    }

    fn create_format(&mut self, driver: &str, options: &mut Options, file: &mut LoggedDriver) -> Result<(), Refusal> {
        let size = options.take_number("size").map_err(refusal)?;
        let name = file.filename.clone().unwrap_or_default();
        self.write(format!("format {driver} {name} {}", size.unwrap_or(0)));
        if self.should_fail("format", &name) {
            return Err(Refusal::new("Image size must be a multiple of sector size"));
        }
        self.files.insert(name.to_string(), driver.into());
        Ok(())
    }

    fn delete_file(&mut self, driver: &str, file: &mut LoggedDriver) -> Result<(), DeleteFailure> {
        let name = file.filename.clone().unwrap_or_default();
        self.write(format!("delete {driver} {name}"));
        if self.should_fail("delete", &name) {
            return Err(DeleteFailure::Refused(Refusal::new(format!("Could not delete '{name}': Busy"))));
        }
        if self.should_fail("keep", &name) {
            return Err(DeleteFailure::Unsupported);
        }
        if self.should_fail("lose", &name) {
            return Err(DeleteFailure::Nothing);
        }
        self.files.remove(&*name);
        Ok(())
    }
}
