//! The container: slices of any size, damage, cuts, the golden bytes.

use sha2::{Digest, Sha256};
use sotto::pack::{Dtype, Metadata, PACK_VERSION, PACK_VERSION_SYMBOLS, PackWriter, TensorInfo, Value, key};

use super::collect::{Collect, read};
use super::refused;

fn tiny_metadata() -> Metadata {
    Metadata::default()
        .with_text(key::ARCHITECTURE, "distilbert")
        .with_text(key::NAME, "tiny")
        .with(key::QUANTIZATION_VERSION, Value::U32(2))
        .with(key::PACK_VERSION, Value::U32(PACK_VERSION))
        .with(key::LABELS, Value::Texts(vec!["NEGATIVE".into(), "POSITIVE".into()]))
        .with(key::TEMPERATURE, Value::F32(1.0))
        .with(key::BLOCK_STRIDE, Value::U32s(vec![1, 2, 1]))
        .with(key::BLOCK_RESIDUAL, Value::Bools(vec![true, false]))
        .with("sotto.test.bool", Value::Bool(true))
        .with(key::VOCABULARY, Value::Text("[PAD]\n[UNK]\nfön\n".into()))
}

fn tiny_tensors() -> Vec<TensorInfo> {
    [
        ("grid", &[19, 64][..], Dtype::Q4_0),
        ("table", &[5, 3], Dtype::F16),
        ("steps.scale", &[17], Dtype::F32),
        ("steps.bias", &[17], Dtype::F32),
        ("steps.weight", &[17, 7], Dtype::I8),
        ("deep", &[2, 3, 4], Dtype::F32),
    ]
    .map(|(name, shape, dtype)| TensorInfo::new(name, shape, dtype).expect("a tensor that can be"))
    .to_vec()
}

/// Bytes without an f16 or f32 that is not finite, nor an i8 of -128.
fn contents(tensor: &TensorInfo) -> Vec<u8> {
    (0..tensor.n_bytes()).map(|i| (i * 31 % 97) as u8 & 0x3f).collect()
}

fn tiny_file() -> Vec<u8> {
    let mut writer =
        PackWriter::new(std::io::Cursor::new(Vec::new()), tiny_metadata(), tiny_tensors()).expect("a writer");
    while let Some(tensor) = writer.next_tensor().cloned() {
        contents(&tensor).chunks(13).for_each(|part| writer.write(part).expect("room for the tensor"));
    }
    writer.finish().expect("all tensors came").into_inner()
}

#[test]
fn what_is_written_comes_back_in_slices_of_any_size() {
    let file = tiny_file();
    for n_bytes in [1, 2, 3, 31, 32, 33, 288, 289, 1000, file.len()] {
        let Collect { header, tensors, .. } = read(&file, n_bytes).expect("a whole file");
        assert_eq!(header.tensors, tiny_tensors());
        for (name, value) in tiny_metadata().iter() {
            assert_eq!(header.metadata.get(name), Some(value));
        }
        for tensor in tiny_tensors() {
            assert_eq!(tensors[&tensor.name], contents(&tensor), "{} in slices of {n_bytes}", tensor.name);
        }
    }
}

/// If this fails, files of this program are no longer those of the last: raise `PACK_VERSION`, pack the models again
/// (`sotto pack`, models/models.toml), and put the new hash here.
#[test]
fn golden_bytes_of_a_tiny_file() {
    let sha256: String = Sha256::digest(tiny_file()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (PACK_VERSION, sha256.as_str()),
        (1, "ce40fc603db5c6965b3d12af030f4e7b11c10488b45f2377be535dc2253c422b"),
        "the bytes of a weight file changed: raise PACK_VERSION in src/pack/mod.rs and pack the models again"
    );
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let file = tiny_file();
    for n_bytes in 0..file.len() {
        refused(read(&file[..n_bytes], 64), &["the file ends at byte", &n_bytes.to_string()]);
    }
    refused(read(&file[..file.len() - 40], 64), &["inside tensor \"deep\""]);
    refused(read(&file[..50], 64), &["inside metadata key 1 of"]);
}

#[test]
fn any_flipped_bit_is_refused() {
    let file = tiny_file();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        read(&damaged, 1 << 20).expect_err(&format!("byte {at} of {} was changed", file.len()));
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let mut file = tiny_file();
    file.push(0);
    refused(read(&file, 64), &["follow the last tensor"]);
}

#[test]
fn other_files_and_versions_are_refused() {
    refused(read(b"PK\x03\x04 a zip file", 5), &["not a weight file"]);
    let mut file = tiny_file();
    file[4] = 2;
    refused(read(&file, 64), &["GGUF version 2"]);
    for version in [PACK_VERSION, PACK_VERSION_SYMBOLS] {
        read(&file_with(Metadata::default().with(key::PACK_VERSION, Value::U32(version))), 64)
            .expect("a known version");
    }
    for version in [PACK_VERSION - 1, PACK_VERSION_SYMBOLS + 1] {
        let file = file_with(Metadata::default().with(key::PACK_VERSION, Value::U32(version)));
        refused(read(&file, 64), &[&format!("pack version {version}"), "reads 1 to 2", "pack the model again"]);
    }
}

/// A whole file of one number, with metadata as it comes.
fn file_with(metadata: Metadata) -> Vec<u8> {
    let tensor = TensorInfo::new("x", &[1], Dtype::F32).expect("a tensor");
    let mut writer = PackWriter::new(std::io::Cursor::new(Vec::new()), metadata, vec![tensor]).expect("a writer");
    writer.write(&[0; 4]).expect("room");
    writer.finish().expect("all came").into_inner()
}

/// A reader of version 1 alone would pass over the key, so a file that has it must be one that such a reader refuses.
#[test]
fn what_becomes_of_symbols_is_said_in_files_of_its_own_version() {
    let file = |version, value| {
        let metadata = Metadata::default().with(key::PACK_VERSION, Value::U32(version));
        file_with(metadata.with(key::SYMBOLS, value))
    };
    let alone = || Value::Text("alone".into());
    let packed = read(&file(PACK_VERSION_SYMBOLS, alone()), 64).expect("the rule and its version");
    assert!(packed.header.symbols_alone().expect("a known value"));
    assert!(!read(&tiny_file(), 64).expect("a plain file").header.symbols_alone().expect("no value"));
    refused(read(&file(PACK_VERSION, alone()), 64), &[key::SYMBOLS, "pack version 1"]);
    refused(read(&file(PACK_VERSION_SYMBOLS, Value::Text("together".into())), 64), &[key::SYMBOLS, "is \"together\""]);
    refused(read(&file(PACK_VERSION_SYMBOLS, Value::Bool(true)), 64), &[key::SYMBOLS, "is a bool, must be a string"]);
}

/// A file whose header was changed by someone who also made its sha256 right again.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut file = tiny_file();
    change(&mut file);
    let find = |file: &[u8], text: &str| {
        file.windows(text.len()).position(|bytes| bytes == text.as_bytes()).expect("text that is in the file")
    };
    // The key, its type, its length, its 64 digits.
    let digits_at = find(&file, key::HEADER_SHA256) + key::HEADER_SHA256.len() + 4 + 8;
    let last = &tiny_tensors()[5].name;
    // The last entry of the tensor table: its name, the number of dimensions, three of them, type, offset.
    let table_end = digits_at + 64 + find(&file[digits_at + 64..], last) + last.len() + 4 + 3 * 8 + 4 + 8;
    file[digits_at..digits_at + 64].fill(b'0');
    let sha256 = Sha256::digest(&file[..table_end.next_multiple_of(32)]);
    let digits: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    file[digits_at..digits_at + 64].copy_from_slice(digits.as_bytes());
    file
}

/// Overwrites what stands `after` bytes behind a text.
fn overwrite(file: &mut [u8], text: &str, after: usize, bytes: &[u8]) {
    let at = file.windows(text.len()).position(|window| window == text.as_bytes()).expect("text that is in the file");
    file[at + text.len() + after..][..bytes.len()].copy_from_slice(bytes);
}

#[test]
fn a_forged_header_is_refused_by_what_it_says() {
    read(&forged(|_| {}), 64).expect("an unchanged file has the same sha256");
    let forge = |text: &'static str, after: usize, bytes: &'static [u8]| {
        read(&forged(|file| overwrite(file, text, after, bytes)), 64)
    };
    // "table": two dimensions, so its type stands 4 + 16 bytes behind its name, its offset 4 more.
    refused(forge("table", 20, &[30]), &["\"table\"", "GGUF type 30"]);
    refused(forge("table", 24, &[0, 1]), &["\"table\"", "starts at 256", "at 704"]);
    refused(forge("table", 0, &[5]), &["\"table\" has 5 dimensions"]);
    refused(forge("table", 4, &[0; 8]), &["\"table\"", "none of them 0"]);
    refused(forge("table", 11, &[0xff]), &["\"table\""]);
    refused(forge("steps.scal", 0, b"e\x09"), &["9 dimensions"]);
    refused(forge("sotto.test.boo", 1, &[7, 0, 0, 0, 2]), &["2 is no bool"]);
    refused(forge("sotto.test.boo", 1, &[1]), &["sotto.test.bool", "GGUF type 1"]);
    refused(forge("sotto.pack_version", 4, &[7]), &["pack version 7"]);
    refused(forge("sotto.pack_version", 0, &[6]), &["sotto.pack_version", "is a f32, must be a u32"]);
    refused(forge("sotto.calibration.temperatur", 1, &[8]), &["at byte"]);
    // An array of more strings than memory.
    refused(forge("sotto.labels", 15, &[0xff]), &["sotto.labels", "elements"]);
}

/// Nothing divides logits by it, so a file that needs it would be judged with wrong probabilities.
#[test]
fn a_temperature_that_is_not_in_the_weights_is_refused() {
    for temperature in [1.5, 0.0, -1.0, f32::NAN] {
        let said = format!("is {temperature}, must be 1");
        let file = forged(|file| overwrite(file, key::TEMPERATURE, 4, &temperature.to_le_bytes()));
        refused(read(&file, 64), &[key::TEMPERATURE, &said, "divide the last layer's weights and bias by it"]);
    }
    let file = forged(|file| overwrite(file, key::TEMPERATURE, 0, &[4]));
    refused(read(&file, 64), &[key::TEMPERATURE, "is a u32, must be a f32"]);
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    let with = |name: &str, at: usize, bytes: &[u8]| {
        let mut writer =
            PackWriter::new(std::io::Cursor::new(Vec::new()), tiny_metadata(), tiny_tensors()).expect("a writer");
        while let Some(tensor) = writer.next_tensor().cloned() {
            let mut contents = contents(&tensor);
            if tensor.name == name {
                contents[at..at + bytes.len()].copy_from_slice(bytes);
            }
            writer.write(&contents).expect("room");
        }
        writer.finish().expect("all came").into_inner()
    };
    refused(read(&with("deep", 4 * 6, &f32::NAN.to_le_bytes()), 64), &["\"deep\"", "NaN", "row 1, column 2"]);
    // An f16 infinity as the scale of the second group of row 9.
    refused(read(&with("grid", 9 * 36 + 18, &[0, 0x7c]), 4096), &["\"grid\"", "inf", "row 9, column 32"]);
    refused(read(&with("table", 2 * 4, &[1, 0x7e]), 64), &["\"table\"", "NaN", "row 1, column 1"]);
    refused(read(&with("steps.weight", 7 * 12 + 3, &[0x80]), 64), &["-128 at row 12, column 3"]);
}

#[test]
fn steps_of_two_bytes_come_back_and_end_before_the_least() {
    let file = |steps: [i16; 6]| {
        let metadata = Metadata::default().with(key::PACK_VERSION, Value::U32(PACK_VERSION));
        let tensor = TensorInfo::new("words.weight", &[2, 3], Dtype::I16).expect("a tensor");
        let out = std::io::Cursor::new(Vec::new());
        let mut writer = PackWriter::new(out, metadata, vec![tensor]).expect("a writer");
        writer.write(&steps.map(i16::to_le_bytes).concat()).expect("room");
        writer.finish().expect("all came").into_inner()
    };
    let packed = read(&file([1, -1, 256, -32767, 32767, 128]), 5).expect("a whole file");
    assert_eq!(packed.header.tensors[0].dtype, Dtype::I16);
    assert_eq!(packed.tensors["words.weight"], [1, 0, 255, 255, 0, 1, 1, 128, 255, 127, 128, 0]);
    refused(read(&file([1, -1, 256, -32767, i16::MIN, 128]), 64), &["-32768 at row 1, column 1", "-32767 to 32767"]);
}

#[test]
fn absurd_shapes_are_refused() {
    let tensor = |shape: &[usize], dtype| TensorInfo::new("x", shape, dtype);
    refused(tensor(&[], Dtype::F32), &["\"x\"", "no dimension"]);
    refused(tensor(&[3, 0], Dtype::F32), &["none of them 0"]);
    refused(tensor(&[1, 1, 1, 1, 1], Dtype::F32), &["1 to 4 dimensions"]);
    refused(tensor(&[2, 33], Dtype::Q4_0), &["groups of 32"]);
    refused(tensor(&[usize::MAX, 2], Dtype::F32), &["larger than any model"]);
}

#[test]
fn a_tensor_twice_or_of_the_wrong_length_can_not_be_written() {
    let twice = vec![tiny_tensors()[0].clone(), tiny_tensors()[0].clone()];
    let out = || std::io::Cursor::new(Vec::new());
    refused(PackWriter::new(out(), Metadata::default(), twice).map(|_| ()), &["\"grid\" stands twice"]);
    let mut writer = PackWriter::new(out(), tiny_metadata(), tiny_tensors()).expect("a writer");
    refused(writer.write(&[0; 19 * 36 + 1]), &["\"grid\""]);
    writer.write(&[0; 5]).expect("room");
    refused(writer.finish().map(|_| ()), &["\"grid\"", "5 of 684 bytes"]);
}
