//! Any bytes, in slices of any size: refused or read, never a panic, never memory that the bytes don't account for.
//!
//! Random changes would all end at the header's sha256, so half of the inputs are edits of a whole file whose sha256 is
//! made right again: what lies behind it is what a forged file would reach.

#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use sotto::pack::{
    Dtype, Header, Metadata, PACK_VERSION, PackError, PackReader, PackWriter, RowSink, TensorInfo, Value, key,
};

#[derive(Arbitrary, Debug)]
enum Input {
    Raw(Vec<u8>),
    /// Bytes of a whole file to overwrite, and at the end how many to cut off.
    Edits {
        edits: Vec<(u16, u8)>,
        n_cut: u8,
    },
}

const TENSORS: [(&str, &[usize], Dtype); 5] = [
    ("grid", &[19, 64], Dtype::Q4_0),
    ("table", &[5, 3], Dtype::F16),
    ("steps.scale", &[17], Dtype::F32),
    ("steps.weight", &[17, 7], Dtype::I8),
    ("deep", &[2, 3, 4], Dtype::F32),
];

/// A whole file, and where its header ends.
static WHOLE: LazyLock<(Vec<u8>, usize)> = LazyLock::new(|| {
    let metadata = Metadata::default()
        .with(key::PACK_VERSION, Value::U32(PACK_VERSION))
        .with(key::LABELS, Value::Texts(vec!["NEGATIVE".into(), "POSITIVE".into()]))
        .with(key::BLOCK_STRIDE, Value::U32s(vec![1, 2]))
        .with(key::BLOCK_RESIDUAL, Value::Bools(vec![true, false]))
        .with(key::TEMPERATURE, Value::F32(1.0))
        .with(key::VOCABULARY, Value::Text("[PAD]\n[UNK]\n".into()));
    let tensors: Vec<TensorInfo> =
        TENSORS.iter().map(|(name, shape, dtype)| TensorInfo::new(name, shape, *dtype).expect("a tensor")).collect();
    let n_tensor_bytes: usize = tensors.iter().map(|tensor| tensor.n_bytes().next_multiple_of(32)).sum();
    let mut writer = PackWriter::new(Cursor::new(Vec::new()), metadata, tensors).expect("a writer");
    while let Some(n_bytes) = writer.next_tensor().map(TensorInfo::n_bytes) {
        writer.write(&vec![1; n_bytes]).expect("room");
    }
    let file = writer.finish().expect("all tensors").into_inner();
    let header_end = file.len() - n_tensor_bytes;
    (file, header_end)
});

struct Checked {
    n_bytes: usize,
}

impl RowSink for Checked {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        header.labels()?;
        header.vocabulary().map(drop)
    }

    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> Result<(), PackError> {
        assert!(!bytes.is_empty() && bytes.len().is_multiple_of(tensor.row_bytes));
        assert!(first_row + bytes.len() / tensor.row_bytes <= tensor.n_rows);
        self.n_bytes += bytes.len();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        Ok(())
    }
}

/// Puts the right sha256 where the key for it stands.
fn sign(file: &mut [u8], header_end: usize) {
    const KEY: &[u8] = b"sotto.sha256.header";
    let Some(at) = file.windows(KEY.len()).position(|bytes| bytes == KEY) else { return };
    let digits = at + KEY.len() + 12;
    if digits + 64 > header_end || header_end > file.len() {
        return;
    }
    file[digits..digits + 64].fill(b'0');
    let hex: String = Sha256::digest(&file[..header_end]).iter().map(|byte| format!("{byte:02x}")).collect();
    file[digits..digits + 64].copy_from_slice(hex.as_bytes());
}

fuzz_target!(|input: (u8, Input)| {
    let (slice, input) = input;
    let file = match input {
        Input::Raw(bytes) => bytes,
        Input::Edits { edits, n_cut } => {
            let (mut file, header_end) = WHOLE.clone();
            for (at, byte) in &edits {
                let at = usize::from(*at) % file.len();
                file[at] = *byte;
            }
            sign(&mut file, header_end);
            file.truncate(file.len() - usize::from(n_cut));
            if edits.is_empty() && n_cut == 0 {
                let mut reader = PackReader::checking_sha256(Checked { n_bytes: 0 });
                assert!(reader.feed(&file).is_ok() && reader.finish().is_ok(), "the whole file is right");
            }
            file
        }
    };
    let n_bytes = usize::from(slice) + 1;
    let mut reader = PackReader::new(Checked { n_bytes: 0 });
    for part in file.chunks(n_bytes) {
        if reader.feed(part).is_err() {
            // A refused file stays refused.
            assert!(reader.feed(&[0]).is_err());
            return;
        }
    }
    if let Ok(sink) = reader.finish() {
        assert!(sink.n_bytes <= file.len());
    }
});
