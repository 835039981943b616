//! The packed files of the clone: whole, within their bounds, and what their keys say is there.

use sotto::models::{MODELS, Packaged};
use sotto::pack::{Dtype, key};

use super::collect::{Collect, read};

fn packaged(id: &str) -> (Packaged, Collect) {
    let model = *MODELS.iter().find(|model| model.id == id).expect("a packaged model");
    let path = format!("{}/models/{}", env!("CARGO_MANIFEST_DIR"), model.file);
    let bytes = std::fs::read(path).expect("build.rs saw it");
    let packed = read(&bytes, 1 << 20).expect("every section matches its sha256");
    assert_eq!(packed.header.metadata.u32(key::PACK_VERSION).expect("a version"), model.pack_version, "{id}");
    (model, packed)
}

#[test]
fn the_text_model_is_the_four_bit_grid() {
    let (model, Collect { header, .. }) = packaged("sentiment");
    assert!(model.bytes <= 40_000_000, "{} bytes", model.bytes);
    assert_eq!(header.architecture().expect("an architecture"), "distilbert");
    assert_eq!(header.labels().expect("labels"), ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
    let n_matrices = header.tensors.iter().filter(|tensor| tensor.dtype == Dtype::Q4_0).count();
    assert_eq!(n_matrices, 1 + 6 * 6 + 1, "word embeddings, six linears a layer, pre_classifier");
    assert!(header.tensors.iter().all(|tensor| tensor.dtype != Dtype::I8), "nothing was off the grid");
    assert_eq!(header.vocabulary().expect("a vocabulary").lines().count(), 30_522);
}

#[test]
fn the_picture_model_says_what_its_net_needs() {
    let (model, Collect { header, tensors, .. }) = packaged("nsfw");
    assert!(model.bytes <= 9_500_000, "{} bytes", model.bytes);
    assert_eq!(header.architecture().expect("an architecture"), "mobilenet_v2+open_nsfw");
    assert_eq!(header.labels().expect("labels"), ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"]);
    let strides = header.metadata.u32s(key::BLOCK_STRIDE).expect("strides");
    assert_eq!(strides, [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]);
    let outputs = header.metadata.u32s(key::BLOCK_OUTPUT_CHANNELS).expect("outputs");
    let residuals = header.metadata.bools(key::BLOCK_RESIDUAL).expect("residuals");
    for i in 1..17 {
        assert_eq!(residuals[i], strides[i] == 1 && outputs[i] == outputs[i - 1], "block {i}");
    }
    let n_of = |prefix: &str, dtype: Dtype| {
        header.tensors.iter().filter(|tensor| tensor.name.starts_with(prefix) && tensor.dtype == dtype).count()
    };
    assert_eq!(
        [n_of("first.", Dtype::I8), n_of("first.", Dtype::I16)],
        [16 + 17 + 1 + 3, 0],
        "expand, project, last, dense"
    );
    assert_eq!([n_of("second.", Dtype::I8), n_of("second.", Dtype::I16)], [26, 27], "53 convolutions");
    for tensor in header.tensors.iter().filter(|tensor| [Dtype::I8, Dtype::I16].contains(&tensor.dtype)) {
        let scales = &tensors[&tensor.name.replace(".weight", ".scale")];
        assert_eq!(scales.len(), 4 * tensor.n_rows, "{}", tensor.name);
    }
}
