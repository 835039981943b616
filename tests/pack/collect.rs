//! A sink that keeps everything, and checks what the reader promises about rows.

use std::collections::BTreeMap;

use sotto::pack::{Header, PackError, PackReader, RowSink, TensorInfo};

#[derive(Debug, Default)]
pub struct Collect {
    pub header: Header,
    pub tensors: BTreeMap<String, Vec<u8>>,
    order: Vec<String>,
    finished: bool,
}

impl RowSink for Collect {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        self.header = header.clone();
        Ok(())
    }

    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> Result<(), PackError> {
        let kept = self.tensors.entry(tensor.name.clone()).or_default();
        assert_eq!(bytes.len() % tensor.row_bytes, 0, "whole rows");
        assert_eq!(first_row * tensor.row_bytes, kept.len(), "in order");
        kept.extend_from_slice(bytes);
        let n_rows = bytes.len() / tensor.row_bytes;
        assert!(n_rows.is_multiple_of(8) || kept.len() == tensor.n_bytes(), "multiples of eight except at the end");
        if self.order.last() != Some(&tensor.name) {
            self.order.push(tensor.name.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        let names: Vec<&String> = self.header.tensors.iter().map(|tensor| &tensor.name).collect();
        assert_eq!(self.order.iter().collect::<Vec<_>>(), names, "every tensor, in the order of the table");
        self.finished = true;
        Ok(())
    }
}

/// Reads a file in slices of `n_bytes`, checking every sha256.
pub fn read(bytes: &[u8], n_bytes: usize) -> Result<Collect, PackError> {
    let mut reader = PackReader::checking_sha256(Collect::default());
    bytes.chunks(n_bytes).try_for_each(|slice| reader.feed(slice))?;
    let collect = reader.finish()?;
    assert!(collect.finished);
    Ok(collect)
}
