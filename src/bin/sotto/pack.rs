//! `sotto pack`: other people's checkpoints into Sotto's weight files.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use sotto::pack::importer::Import;
use sotto::pack::source::{Directory, run as run_import};
use sotto::pack::{PackError, distilbert, nsfwjs, open_nsfw, pair};

use super::Failure;

struct Job {
    kind: String,
    /// A folder, a file, or two files, as the kind has it.
    sources: Vec<PathBuf>,
    out: PathBuf,
    name: Option<String>,
    model: nsfwjs::Model,
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let job = read_arguments(arguments)?;
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
    let mut positional = positional.into_iter();
    let Some(kind) = positional.next() else {
        return Err(format!("pack needs a kind ({KINDS}) and what to pack; see sotto --help").into());
    };
    let Some(out) = out else { return Err("pack needs -o FILE; see sotto --help".into()) };
    Ok(Job { kind: kind.string()?, sources: positional.map(PathBuf::from).collect(), out, name, model })
}

fn pack(job: &Job, file: File) -> Result<File, Failure> {
    let import = |default: &str| Import { name: job.name.clone().unwrap_or_else(|| default.into()) };
    let show = std::io::stderr().is_terminal();
    let progress = |percent: u8| {
        if show {
            eprint!("\r{percent} %{}", if percent == 100 { "\n" } else { "" });
        }
    };
    match job.kind.as_str() {
        "distilbert" => Ok(run_import(distilbert::pack(&folder(job)?, &import("DistilBERT"), file, progress))?),
        "nsfwjs" => Ok(run_import(nsfwjs::pack(&folder(job)?, job.model, &import(job.model.title()), file, progress))?),
        "open-nsfw" => {
            let [onnx] = files(job)?;
            Ok(open_nsfw::pack(&onnx, &import("Yahoo open_nsfw"), file, progress)?)
        }
        "pictures" => {
            let [first, second] = files(job)?;
            Ok(pair::join(&first, &second, &import("Sotto pictures"), file)?)
        }
        other => Err(format!("there is no importer \"{other}\"; {KINDS} are").into()),
    }
}

const KINDS: &str = "distilbert, nsfwjs, open-nsfw and pictures";

fn folder(job: &Job) -> Result<Directory, Failure> {
    match &job.sources[..] {
        [folder] if folder.is_dir() => Ok(Directory(folder.clone())),
        [folder] => Err(format!("{} is no folder", folder.display()).into()),
        _ => Err(format!("pack {} needs one folder; see sotto --help", job.kind).into()),
    }
}

fn files<const N: usize>(job: &Job) -> Result<[Vec<u8>; N], Failure> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let read: Vec<Vec<u8>> = job.sources.iter().map(read).collect::<Result<_, _>>()?;
    read.try_into().map_err(|_| format!("pack {} needs {N} file(s); see sotto --help", job.kind).into())
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
