//! Creating images (L5.14).

use super::catalogue::{Catalogue, DeleteFailure, DriverInfo, driver_of_name};
use super::error::{OpenError, OpenErrorKind};
use super::options::Options;
use super::tree::{OpenRequest, ensure_all_used};
use crate::driver::{Driver, Refusal};
use alloc::sync::Arc;

/// What to create: a file by a protocol, and optionally an image in it.
struct CreationPlan {
    format: Option<DriverInfo>,
    protocol: DriverInfo,
    /// The options of the format; the options of the protocol are in `file`.
    options: Options,
    file: Options,
}

/// Creates an image: first its file by a protocol, then the format in it (L5.14; QEMU: `bdrv_create_file`,
/// `bdrv_create`). Each driver gets only its own options. `driver` is the format; without it only the file is created.
/// `file` is the tree of the protocol's options, and the request's file name is added to it. O(options), plus the cost
/// of the catalogue.
///
/// # Errors
/// Those of names and options as for opening; `CannotCreate`, before anything is created; `CreateRefused`. If a step
/// fails after the file was created, the file is deleted again. If the deletion fails too, its error is the [cleanup
/// error](OpenError::cleanup_error).
pub fn create<D: Driver, C: Catalogue<D> + ?Sized>(request: OpenRequest, catalogue: &mut C) -> Result<(), OpenError> {
    let mut plan = plan(request, catalogue)?;
    if let Some(driver) = plan.format.iter().chain([&plan.protocol]).find(|driver| !driver.creates) {
        return Err(OpenErrorKind::CannotCreate { driver: driver.name.clone() }.into());
    }
    let name = plan.protocol.name.clone();
    let filename: Arc<str> = plan.file.clone().take_text("filename")?.unwrap_or_default();
    let file = catalogue.create_file(&name, &mut plan.file);
    let mut file = file.map_err(|refusal| refused(&plan.protocol, &refusal))?;
    let result = create_in_file(&mut plan, &mut file, catalogue);
    let result = result.map_err(|error| match catalogue.delete_file(&name, &mut file) {
        Err(DeleteFailure::Refused(refusal)) => {
            let (driver, message) = (name.clone(), refusal.message().clone());
            error.with_cleanup_error(OpenErrorKind::DeleteRefused { driver, message })
        }
        Ok(()) | Err(DeleteFailure::Nothing | DeleteFailure::Unsupported) => error,
    });
    file.close(&filename);
    result
}

fn refused(driver: &DriverInfo, refusal: &Refusal) -> OpenError {
    let message = refusal.message().clone();
    OpenErrorKind::CreateRefused { driver: driver.name.clone(), message }.into()
}

/// The steps after the file exists.
fn create_in_file<D: Driver, C: Catalogue<D> + ?Sized>(
    plan: &mut CreationPlan,
    file: &mut D,
    catalogue: &mut C,
) -> Result<(), OpenError> {
    ensure_all_used(&plan.protocol, &plan.file)?;
    let Some(format) = &plan.format else { return Ok(()) };
    let created = catalogue.create_format(&format.name, &mut plan.options, file);
    created.map_err(|refusal| refused(format, &refusal))?;
    ensure_all_used(format, &plan.options)
}

fn plan<D: Driver, C: Catalogue<D> + ?Sized>(request: OpenRequest, catalogue: &C) -> Result<CreationPlan, OpenError> {
    let OpenRequest { filename, mut options, .. } = request;
    let known = |name: Arc<str>| {
        catalogue.driver(&name).ok_or_else(|| OpenError::from(OpenErrorKind::UnknownDriver { driver: name }))
    };
    let format = options.take_text("driver")?.map(known).transpose()?;
    // A protocol without a format has no tree below it: the options are its own.
    let (format, lone_protocol) = match format {
        Some(driver) if driver.is_protocol() => (None, Some(driver)),
        format => (format, None),
    };
    let mut file = match &lone_protocol {
        Some(_) => core::mem::take(&mut options),
        None => options.take_tree("file")?.unwrap_or_default(),
    };
    let protocol = match lone_protocol {
        Some(driver) => Some(driver),
        None => file.take_text("driver")?.map(known).transpose()?,
    };
    if let Some(filename) = filename {
        file.set("filename", filename)?;
    }
    let protocol = match protocol {
        Some(driver) => driver,
        None => {
            let driver = format.as_ref().map(|format| format.name.clone());
            let name = file.clone().take_text("filename")?.ok_or(OpenErrorKind::FileMissing { driver })?;
            driver_of_name(catalogue, &name).map_err(|protocol| OpenErrorKind::UnknownProtocol { protocol })?
        }
    };
    // Without a format no other driver can take these options.
    if format.is_none() {
        ensure_all_used(&protocol, &options)?;
    }
    Ok(CreationPlan { format, protocol, options, file })
}
