//! Makes a packed model of the files that a person chose, in a worker of the settings page: an engine of its own, whose
//! memory goes with the worker. What it makes it also loads and tries. It must never keep anything.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Seek, SeekFrom, Write},
};

use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::{
    engine::{Engine, Known},
    models::Task,
    pack::{
        PackError, distilbert,
        importer::Import,
        safetensors::{FOUR_BIT_FILE, INDEX_FILE, SINGLE_FILE},
        source::{Folder, read_json},
    },
    protocol::FromPacker,
    tasks::sentiment::ways_of,
    web::browser::{chrome, time, wire},
};

/// Files are read in slices of this size, of which the importer takes what it asks for.
const SLICE_BYTES: u64 = 4 << 20;
/// What was packed is handed to the browser in pieces of this size, which it may keep on disk.
const PART_BYTES: usize = 1 << 20;
/// Of the work, in percent, what is done before the packed model is tried.
const PACKED_PERCENT: u32 = 90;
/// Any sentence will do: that it is judged at all is the trial.
const TRIAL: &str = "What a wonderful evening.";

/// Makes a packed model of a DistilBERT checkpoint's files. `tell` hears each [`FromPacker`], the last of them with the packed
/// `file` beside it, or with one sentence that says what is wrong and where.
#[wasm_bindgen(js_name = packModel)]
pub async fn pack_model(files: Array, tell: Function) {
    let chosen = Chosen::new(files.iter().filter_map(|file| file.dyn_into().ok()));
    let tell = |said: &JsValue| drop(tell.call1(&JsValue::NULL, said));
    let progress = |percent: u32| tell(&wire::tagged(&FromPacker::Working { percent }));
    match pack(&chosen, &progress).await {
        Ok((packed, file)) => {
            let said = wire::tagged(&packed);
            chrome::set(&said, "file", &file);
            tell(&said);
        }
        Err(problem) => tell(&wire::tagged(&FromPacker::Problem { problem })),
    }
}

async fn pack(chosen: &Chosen, tell: &impl Fn(u32)) -> Result<(FromPacker, Blob), String> {
    let said = |error: PackError| error.to_string();
    let title = title_of(chosen).await.map_err(said)?;
    // A net for anything else is refused before it is packed.
    let labels = distilbert::labels(chosen).await.map_err(said)?;
    ways_of(&labels).map_err(|error| error.to_string())?;
    let progress = |percent: u8| tell(u32::from(percent) * PACKED_PERCENT / 100);
    let import = Import { name: title.clone() };
    let packed = distilbert::pack(chosen, &import, Parts::default(), progress).await.map_err(said)?;
    let file = packed.whole().map_err(|thrown| chrome::reason_of(&thrown))?;
    let memory_bytes = try_out(&file, tell).await?;
    tell(100);
    Ok((FromPacker::Packed { title, memory_bytes }, file))
}

/// What the checkpoint's maker called it, where config.json says so.
async fn title_of(chosen: &Chosen) -> Result<String, PackError> {
    let config = read_json(chosen, "config.json").await?.unwrap_or_default();
    let path = config["_name_or_path"].as_str().unwrap_or_default();
    let name = path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("DistilBERT");
    Ok(name.to_owned())
}

/// Loads the packed model as the service worker will, and judges a sentence; what it takes in memory.
async fn try_out(file: &Blob, tell: &impl Fn(u32)) -> Result<u64, String> {
    let known = Known {
        id: "own".to_owned(),
        task: Task::Text,
        title: String::new(),
        bytes: file.size() as u64,
        memory_bytes: 0,
        is_own: true,
    };
    let mut engine = Engine::with_models(time::now_ms, [known]);
    let mut load = engine.start_load("own").map_err(|error| error.to_string())?;
    let n_bytes = file.size() as u64;
    for start in (0..n_bytes).step_by(SLICE_BYTES as usize) {
        let bytes = read(file, start, n_bytes.min(start + SLICE_BYTES)).await?;
        load.feed(&bytes).map_err(|error| error.to_string())?;
        tell(PACKED_PERCENT + (100 - PACKED_PERCENT) * u32::from(load.percent()) / 100);
    }
    engine.finish_load(load).map_err(|error| error.to_string())?;
    engine.classify_text(TRIAL).map_err(|error| error.to_string())?;
    Ok(engine.status().first().map_or(0, |status| status.memory_bytes))
}

async fn read(blob: &Blob, start: u64, end: u64) -> Result<Vec<u8>, String> {
    let slice = blob.slice_with_f64_and_f64(start as f64, end as f64).map_err(|thrown| chrome::reason_of(&thrown))?;
    let buffer = JsFuture::from(slice.array_buffer()).await.map_err(|thrown| chrome::reason_of(&thrown))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The files that a person chose, by name. The slice that was read last is kept, for the many small reads in a row.
struct Chosen {
    files: BTreeMap<String, Blob>,
    last: RefCell<Option<(String, u64, Vec<u8>)>>,
}

impl Chosen {
    fn new(files: impl Iterator<Item = Blob>) -> Self {
        let name = |file: &Blob| chrome::get(file, "name").as_string().unwrap_or_default();
        let mut files: BTreeMap<String, Blob> = files.map(|file| (name(&file), file)).collect();
        // Weights that somebody renamed are still the only ones there.
        let weights: Vec<String> = files.keys().filter(|name| name.ends_with(".safetensors")).cloned().collect();
        if let [only] = weights.as_slice()
            && only != FOUR_BIT_FILE
            && !files.contains_key(INDEX_FILE)
            && let Some(file) = files.remove(only)
        {
            files.insert(SINGLE_FILE.to_owned(), file);
        }
        Self { files, last: RefCell::default() }
    }
}

impl Folder for Chosen {
    async fn length(&self, file: &str) -> Result<Option<u64>, PackError> {
        Ok(self.files.get(file).map(|blob| blob.size() as u64))
    }

    async fn read_at(&self, file: &str, offset: u64, n_bytes: usize) -> Result<Vec<u8>, PackError> {
        let refuse = |problem: String| PackError::Source { file: file.to_owned(), problem };
        let end = offset.saturating_add(n_bytes as u64);
        let Some(blob) = self.files.get(file).filter(|blob| end <= blob.size() as u64) else {
            return Err(refuse(format!("has no {n_bytes} bytes at {offset}")));
        };
        if let Some((name, start, bytes)) = self.last.borrow().as_ref()
            && name == file
            && *start <= offset
            && end <= start + bytes.len() as u64
        {
            let from = (offset - start) as usize;
            return Ok(bytes[from..from + n_bytes].to_vec());
        }
        let slice_end = (offset + SLICE_BYTES).max(end).min(blob.size() as u64);
        let bytes = read(blob, offset, slice_end).await.map_err(|reason| refuse(format!("can't be read: {reason}")))?;
        let wanted = bytes[..n_bytes].to_vec();
        self.last.replace(Some((file.to_owned(), offset, bytes)));
        Ok(wanted)
    }
}

/// A file that grows as a row of Blobs, whose head is written once more at the end. Only the piece at hand is in linear
/// memory.
#[derive(Default)]
struct Parts {
    blobs: Array,
    piece: Vec<u8>,
    /// What is written after the return to the beginning.
    head: Option<Vec<u8>>,
}

impl Parts {
    fn hand_over(&mut self) -> Result<(), JsValue> {
        let bytes = Uint8Array::from(self.piece.as_slice());
        let part = Blob::new_with_u8_array_sequence(&Array::of1(&bytes))?;
        self.blobs.push(part.as_ref());
        self.piece.clear();
        Ok(())
    }

    fn whole(mut self) -> Result<Blob, JsValue> {
        self.hand_over()?;
        let body = Blob::new_with_blob_sequence(&self.blobs)?;
        let Some(head) = self.head else { return Ok(body) };
        let rest = body.slice_with_f64(head.len() as f64)?;
        Blob::new_with_blob_sequence(&Array::of2(&Uint8Array::from(head.as_slice()), &rest))
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(head) = &mut self.head {
            head.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PART_BYTES {
            self.hand_over().map_err(|thrown| io::Error::other(chrome::reason_of(&thrown)))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(io::Error::other("a packed file is only rewritten from its beginning"));
        }
        self.head = Some(Vec::new());
        Ok(0)
    }
}
