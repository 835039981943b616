//! A zip archive whose bytes depend on the files' names and contents alone: sorted names, one fixed time, no owner,
//! no extra fields. No zip64: refuses what would need it. The zip crate brings 22 others, of 10 s to compile, as much as
//! all of xtask; these 90 lines need miniz_oxide alone, of 0.7 s, and a newer version of it is all that can change a byte.

use crate::shell::Outcome;
use std::collections::BTreeMap;

/// 1 January 1980, the first day a zip archive can name.
const DATE: u16 = 1 << 5 | 1;
const TIME: u16 = 0;
const LEVEL: u8 = 9;

/// The file as deflate makes it, or `None` where that saves nothing.
fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(miniz_oxide::deflate::compress_to_vec(bytes, LEVEL)).filter(|packed| packed.len() < bytes.len())
}

pub struct Archive {
    pub bytes: Vec<u8>,
    /// What each file takes in it, in their order.
    pub packed: Vec<usize>,
}

pub fn archive(files: &BTreeMap<String, Vec<u8>>) -> Outcome<Archive> {
    let mut out = Vec::new();
    let mut lengths = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in files {
        let packed = deflated(bytes);
        let (method, body) = match &packed {
            Some(packed) => (8, packed.as_slice()),
            None => (0, bytes.as_slice()),
        };
        lengths.push(body.len());
        let offset = field(out.len())?;
        // The fields that the local header and the directory's entry share.
        let mut shared = Vec::new();
        for value in [20, 1 << 11, method, TIME, DATE] {
            shared.extend(u16::to_le_bytes(value));
        }
        for value in [crc32(bytes), field(body.len())?, field(bytes.len())?] {
            shared.extend(value.to_le_bytes());
        }
        let name_length = u16::try_from(name.len()).map_err(|_| format!("a name too long for a zip: {name}"))?;
        shared.extend(name_length.to_le_bytes());
        shared.extend([0, 0]);

        out.extend(b"PK\x03\x04");
        out.extend(&shared);
        out.extend(name.as_bytes());
        out.extend(body);

        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let directory_offset = field(out.len())?;
    let directory_length = field(directory.len())?;
    let n_files = u16::try_from(files.len()).map_err(|_| "more than 65,535 files in a zip".to_string())?;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(n_files.to_le_bytes());
    out.extend(n_files.to_le_bytes());
    out.extend(directory_length.to_le_bytes());
    out.extend(directory_offset.to_le_bytes());
    out.extend([0, 0]);
    Ok(Archive { bytes: out, packed: lengths })
}

fn field(length: usize) -> Outcome<u32> {
    u32::try_from(length).map_err(|_| "a zip over 4 GiB".to_string())
}

/// The CRC of zip and gzip, byte by byte over a table.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc: u32, &byte| TABLE[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BTreeMap<String, Vec<u8>> {
        let text = "the same words again and again ".repeat(40).into_bytes();
        [("b/long.txt", text), ("a.bin", vec![7, 1, 200, 3]), ("empty", vec![])]
            .map(|(name, bytes)| (name.to_string(), bytes))
            .into()
    }

    #[test]
    fn crc_is_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn python_reads_back_what_was_packed() {
        let path = std::env::temp_dir().join(format!("sotto-zip-{}.zip", std::process::id()));
        std::fs::write(&path, archive(&sample()).unwrap().bytes).unwrap();
        let script = "import sys, zipfile\n\
            z = zipfile.ZipFile(sys.argv[1])\n\
            assert z.testzip() is None\n\
            print([(i.filename, i.file_size, i.compress_type, i.date_time[0]) for i in z.infolist()])";
        let said = std::process::Command::new("python3").args(["-c", script]).arg(&path).output();
        std::fs::remove_file(&path).unwrap();
        // Without Python the other tests must do.
        let Ok(said) = said else { return };
        let shown = String::from_utf8_lossy(&said.stdout).trim().to_string();
        assert_eq!(
            shown,
            "[('a.bin', 4, 0, 1980), ('b/long.txt', 1240, 8, 1980), ('empty', 0, 0, 1980)]",
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
    }

    #[test]
    fn the_order_of_making_leaves_no_trace() {
        let mut other = BTreeMap::new();
        for (name, bytes) in sample().into_iter().rev() {
            other.insert(name, bytes);
        }
        assert_eq!(archive(&sample()).unwrap().bytes, archive(&other).unwrap().bytes);
    }
}
