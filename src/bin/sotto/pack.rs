//! `sotto pack`: other people's checkpoints into Sotto's weight files.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use sotto::pack::importer::Import;
use sotto::pack::source::{Directory, run as run_import};
use sotto::pack::{PackError, distilbert, nsfwjs};

use super::Failure;

struct Job {
    kind: String,
    folder: PathBuf,
    out: PathBuf,
    name: Option<String>,
    model: nsfwjs::Model,
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let job = read_arguments(arguments)?;
    if !job.folder.is_dir() {
        return Err(format!("{} is no folder", job.folder.display()).into());
    }
    let sha256 = write_whole(&job.out, |file| pack(&job, file))?;
    let n_bytes = std::fs::metadata(&job.out)?.len();
    println!("{}: {n_bytes} bytes, sha256 {sha256}", job.out.display());
    Ok(())
}

fn read_arguments(arguments: &mut lexopt::Parser) -> Result<Job, Failure> {
    let mut positional = Vec::new();
    let (mut out, mut name, mut model) = (None, None, nsfwjs::Model::MobilenetV2);
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('o') | Long("output") => out = Some(PathBuf::from(arguments.value()?)),
            Long("name") => name = Some(arguments.value()?.string()?),
            Long("model") => model = arguments.value()?.parse()?,
            Value(value) => positional.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let Ok([kind, folder]) = <[_; 2]>::try_from(positional) else {
        return Err("pack needs a kind (distilbert or nsfwjs) and a folder; see sotto --help".into());
    };
    let Some(out) = out else { return Err("pack needs -o FILE; see sotto --help".into()) };
    Ok(Job { kind: kind.string()?, folder: folder.into(), out, name, model })
}

fn pack(job: &Job, file: File) -> Result<File, Failure> {
    let import = |default: &str| Import { name: job.name.clone().unwrap_or_else(|| default.into()) };
    let folder = Directory(job.folder.clone());
    let show = std::io::stderr().is_terminal();
    let progress = |percent: u8| {
        if show {
            eprint!("\r{percent} %{}", if percent == 100 { "\n" } else { "" });
        }
    };
    match job.kind.as_str() {
        "distilbert" => Ok(run_import(distilbert::pack(&folder, &import("DistilBERT"), file, progress))?),
        "nsfwjs" => Ok(run_import(nsfwjs::pack(&folder, job.model, &import(job.model.title()), file, progress))?),
        other => Err(format!("there is no importer \"{other}\"; distilbert and nsfwjs are").into()),
    }
}

/// Writes beside the target and renames at the end, so a failed run leaves no half file and keeps the old one.
fn write_whole(target: &Path, write: impl FnOnce(File) -> Result<File, Failure>) -> Result<String, Failure> {
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let result =
        File::create(&partial).map_err(|error| format!("{}: {error}", partial.display()).into()).and_then(write);
    match result {
        Ok(file) => {
            drop(file);
            std::fs::rename(&partial, target)?;
            Ok(sha256_of(target)?)
        }
        Err(error) => {
            // What can't be removed was never created; the error that matters is the first.
            let _ = std::fs::remove_file(&partial);
            Err(error)
        }
    }
}

pub fn sha256_of(path: &Path) -> Result<String, PackError> {
    use sha2::{Digest, Sha256};
    let mut file = File::open(path)?;
    let mut sha256 = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let n_bytes = file.read(&mut block)?;
        if n_bytes == 0 {
            break;
        }
        sha256.update(&block[..n_bytes]);
    }
    Ok(sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
