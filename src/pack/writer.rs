//! Writes a weight file: tensors in one pass as their rows come, the header last, in the room kept for it at the front.
//! It never knows what the rows mean, and keeps none of them.

use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use super::header::{ALIGNMENT, HEX_DIGITS, hex};
use super::{Header, Metadata, PackError, TensorInfo};

/// Writes a weight file in one pass, and comes back for the hashes in its header.
pub struct PackWriter<W: Write + Seek> {
    out: W,
    header: Header,
    n_header_bytes: usize,
    tensor_sha256: Vec<String>,
    sha256: Sha256,
    n_bytes_of_tensor: usize,
}

impl<W: Write + Seek> PackWriter<W> {
    /// `out` must be empty and stand at its beginning. The tensors are written in the order given here.
    pub fn new(mut out: W, metadata: Metadata, tensors: Vec<TensorInfo>) -> Result<Self, PackError> {
        let mut names = HashSet::new();
        for tensor in &tensors {
            if !names.insert(tensor.name.as_str()) {
                return Err(PackError::DoubledTensor { name: tensor.name.clone(), place: "the weight file".into() });
            }
        }
        let header = Header { metadata, tensors };
        // A sha256 always has the same length in hex, so the header's length is known before the hashes are.
        let room = header.to_bytes(&vec!["0".repeat(HEX_DIGITS); header.tensors.len()]);
        out.write_all(&vec![0; room.len()])?;
        let n_header_bytes = room.len();
        Ok(Self { out, header, n_header_bytes, tensor_sha256: Vec::new(), sha256: Sha256::new(), n_bytes_of_tensor: 0 })
    }

    /// The tensor whose bytes are wanted next.
    pub fn next_tensor(&self) -> Option<&TensorInfo> {
        self.header.tensors.get(self.tensor_sha256.len())
    }

    /// The next bytes of the tensor at hand, never more than it still wants.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        let Some(tensor) = self.next_tensor() else {
            return Err(PackError::Trailing { n_bytes: bytes.len() });
        };
        let n_bytes = tensor.n_bytes();
        let n_after = self.n_bytes_of_tensor + bytes.len();
        if n_after > n_bytes {
            return Err(PackError::tensor(&tensor.name, format!("{n_after} bytes came, {n_bytes} are its size")));
        }
        self.out.write_all(bytes)?;
        self.sha256.update(bytes);
        self.n_bytes_of_tensor = n_after;
        if n_after == n_bytes {
            self.tensor_sha256.push(hex(&self.sha256.finalize_reset()));
            self.n_bytes_of_tensor = 0;
            self.out.write_all(&[0; ALIGNMENT][..n_bytes.next_multiple_of(ALIGNMENT) - n_bytes])?;
        }
        Ok(())
    }

    /// Refuses a file of which a tensor is missing.
    pub fn finish(mut self) -> Result<W, PackError> {
        if let Some(tensor) = self.next_tensor() {
            let problem = format!("{} of {} bytes came", self.n_bytes_of_tensor, tensor.n_bytes());
            return Err(PackError::tensor(&tensor.name, problem));
        }
        let bytes = self.header.to_bytes(&self.tensor_sha256);
        debug_assert_eq!(bytes.len(), self.n_header_bytes, "hex digits have one length");
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&bytes)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
