//! Checkpoints that hold 4-bit steps and scales: every bit arrives, and each half that is missing or does not fit is named.

use half::f16;
use serde_json::json;
use sotto::pack::source::{Files, run};
use sotto::pack::{Dtype, PackError, distilbert};

use super::checkpoint::{Checkpoint, FourBits, Stored, WIDTH, on_grid, pack, safetensors};
use super::collect::read;
use super::{q4_0_to_f32, refused};

const WORDS: &str = "distilbert.embeddings.word_embeddings.weight";
const POSITIONS: &str = "distilbert.embeddings.position_embeddings.weight";
const CLASSIFIER: &str = "classifier.weight";
const QUERY: &str = "distilbert.transformer.layer.1.attention.q_lin.weight";

/// The tiny checkpoint with every matrix in four bits, those that are not multiplied among them, and the matrices by name.
fn four_bit(matrix: impl Fn(&[usize], usize) -> FourBits) -> (Checkpoint, Vec<(String, FourBits)>) {
    let mut checkpoint = Checkpoint::tiny();
    let shapes = checkpoint.tensors.iter().filter(|(_, stored)| stored.shape.len() == 2);
    let matrices: Vec<(String, FourBits)> =
        shapes.enumerate().map(|(i, (name, stored))| (name.clone(), matrix(&stored.shape, i))).collect();
    matrices.iter().for_each(|(name, four_bits)| checkpoint.put(name, four_bits));
    (checkpoint, matrices)
}

fn unruly() -> (Checkpoint, Vec<(String, FourBits)>) {
    four_bit(|shape, seed| FourBits::unruly(shape[0], shape[1], seed))
}

/// What is packed of [`unruly`] once a tensor of it was spoiled.
fn spoiled(name: &str, spoil: impl FnOnce(&mut Stored)) -> Result<Vec<u8>, PackError> {
    let (mut checkpoint, _) = unruly();
    spoil(checkpoint.tensor(name));
    pack(&checkpoint.four_bit_files())
}

fn steps_name() -> String {
    format!("{QUERY}.q")
}

fn scale_name() -> String {
    format!("{QUERY}.scale")
}

#[test]
fn scales_and_steps_arrive_bit_for_bit() {
    let (checkpoint, matrices) = unruly();
    let packed = read(&pack(&checkpoint.four_bit_files()).expect("a packed file"), 1000).expect("a whole file");
    for (name, four_bits) in &matrices {
        let bytes = &packed.tensors[name];
        let unpacked = four_bits.unpacked();
        assert_eq!(packed.header.tensor(name).expect("a tensor").shape, unpacked.shape);
        match packed.header.tensor(name).expect("a tensor").dtype {
            Dtype::Q4_0 => {
                assert!(name != POSITIONS && name != CLASSIFIER, "{name} is not multiplied in integers");
                assert_eq!(*bytes, four_bits.q4_0(), "{name}");
                let weight = |i: usize| (f32::from(four_bits.steps[i]) - 8.0) * four_bits.scales[i / 32].to_f32();
                assert!(q4_0_to_f32(bytes).iter().enumerate().all(|(i, found)| *found == weight(i)), "{name}");
            }
            Dtype::F16 => {
                assert_eq!(name, POSITIONS);
                assert_eq!(*bytes, unpacked.bytes);
            }
            Dtype::F32 => {
                assert_eq!(name, CLASSIFIER);
                let halves = unpacked.bytes.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes));
                let floats: Vec<u8> = halves.flat_map(|half| half.to_f32().to_le_bytes()).collect();
                assert_eq!(*bytes, floats);
            }
            Dtype::I8 | Dtype::I16 => panic!("{name} is on the grid"),
        }
    }
    assert_eq!(matrices.len(), 1 + 1 + 2 * 6 + 1 + 1);
}

/// More steps than are read together, in rows that don't divide that evenly.
#[test]
fn a_matrix_of_several_blocks_arrives_bit_for_bit() {
    let n_pieces = 40_003;
    let mut checkpoint = Checkpoint::tiny();
    checkpoint.pieces.extend((checkpoint.pieces.len()..n_pieces).map(|i| format!("piece{i}")));
    checkpoint.config["vocab_size"] = json!(n_pieces);
    let four_bits = FourBits::unruly(n_pieces, WIDTH, 0);
    assert!(four_bits.steps.len() / 2 > 1 << 20);
    checkpoint.put(WORDS, &four_bits);
    let packed = read(&pack(&checkpoint.four_bit_files()).expect("a packed file"), 1 << 20).expect("a whole file");
    assert!(packed.tensors[WORDS] == four_bits.q4_0());
}

/// Weights that follow Q4_0's own rule, which puts the largest of a group at the step -8: then the usual checkpoint that
/// is unpacked of them tells the same scales.
#[test]
fn the_unpacked_checkpoint_makes_the_same_file() {
    let by_rule = |shape: &[usize], seed: usize| FourBits::of(&on_grid(shape.iter().product(), seed), shape[1]);
    let (checkpoint, matrices) = four_bit(by_rule);
    let mut unpacked = Checkpoint::tiny();
    for (name, four_bits) in &matrices {
        *unpacked.tensor(name) = four_bits.unpacked();
    }
    let file = pack(&checkpoint.four_bit_files()).expect("a packed file");
    assert!(file == pack(&unpacked.files()).expect("a packed file"));
    // The names of the tensors tell the form, not that of the file.
    assert!(file == pack(&checkpoint.files()).expect("under the usual name"));
    assert!(file == pack(&checkpoint.sharded_files()).expect("in shards"));
}

#[test]
fn the_usual_checkpoint_goes_before_the_four_bit_file() {
    let (checkpoint, _) = unruly();
    let usual = pack(&Checkpoint::tiny().files()).expect("a packed file");
    let weights_file = |files: &Files| run(distilbert::weights_file(files));
    for mut files in [Checkpoint::tiny().files(), Checkpoint::tiny().sharded_files()] {
        files.0.extend(checkpoint.four_bit_files().0);
        assert!(pack(&files).expect("a packed file") == usual);
        assert_ne!(weights_file(&files).expect("there are weights"), "model.q4.safetensors");
    }
    let mut files = checkpoint.four_bit_files();
    assert_eq!(weights_file(&files).expect("there are weights"), "model.q4.safetensors");
    files.0.remove("model.q4.safetensors");
    refused(weights_file(&files), &["model.safetensors", "is missing", "model.q4.safetensors"]);
}

#[test]
fn steps_without_scales_and_scales_without_steps_are_refused() {
    for (gone, left) in [(scale_name(), steps_name()), (steps_name(), scale_name())] {
        let (mut checkpoint, _) = unruly();
        checkpoint.tensors.remove(&gone);
        let said = format!("tensor \"{left}\": has no {gone} beside it");
        refused(pack(&checkpoint.four_bit_files()), &[&said, "4-bit weights need both"]);
    }
}

#[test]
fn a_matrix_in_both_forms_is_refused() {
    let (mut checkpoint, _) = unruly();
    checkpoint.tensors.insert(QUERY.into(), Checkpoint::tiny().tensors[QUERY].clone());
    refused(pack(&checkpoint.four_bit_files()), &[QUERY, "is there twice", &steps_name(), "one of them must go"]);
}

#[test]
fn steps_and_scales_of_other_types_are_refused() {
    for dtype in ["F32", "BF16"] {
        let wrong = spoiled(&scale_name(), |stored| {
            let n = stored.shape.iter().product::<usize>();
            *stored =
                Stored { dtype, shape: stored.shape.clone(), bytes: vec![0; n * if dtype == "F32" { 4 } else { 2 }] };
        });
        refused(wrong, &[&scale_name(), &format!("has type {dtype}"), "scales of 4-bit weights are F16"]);
    }
    let wrong = spoiled(&scale_name(), |stored| (stored.dtype, stored.shape[1]) = ("U8", stored.shape[1] * 2));
    refused(wrong, &[&scale_name(), "has type U8", "are F16"]);
    let wrong = spoiled(&steps_name(), |stored| (stored.dtype, stored.shape[1]) = ("F16", stored.shape[1] / 2));
    refused(wrong, &[&steps_name(), "has type F16", "4-bit weights are U8"]);
    refused(spoiled(&steps_name(), |stored| stored.dtype = "I8"), &[&steps_name(), "has type I8", "U8"]);
}

#[test]
fn steps_and_scales_of_shapes_that_do_not_fit_are_refused() {
    let shape = |name: &str, shape: &[usize], n_bytes: usize| {
        spoiled(name, |stored| (stored.shape, stored.bytes) = (shape.to_vec(), vec![0; n_bytes]))
    };
    let both = ["q_lin.weight\"", ".q and", ".scale; of R rows of C weights they are [R, C/2] and [R, C/32]"];
    let refused_for_shape =
        |result: Result<Vec<u8>, PackError>, found: &str| refused(result, &[&both[..], &[found]].concat());
    refused_for_shape(shape(&scale_name(), &[WIDTH, 1], WIDTH * 2), "[64, 1]");
    refused_for_shape(shape(&scale_name(), &[2, WIDTH], WIDTH * 4), "[2, 64]");
    refused_for_shape(shape(&scale_name(), &[WIDTH * 2], WIDTH * 4), "[128]");
    // As many columns as weights, as if there were one in each byte.
    refused_for_shape(shape(&steps_name(), &[WIDTH, WIDTH], WIDTH * WIDTH), "[64, 64]");
    refused_for_shape(shape(&steps_name(), &[WIDTH / 2, WIDTH / 2], WIDTH * WIDTH / 4), "[32, 32]");
    refused_for_shape(shape(&steps_name(), &[WIDTH * WIDTH / 2], WIDTH * WIDTH / 2), "[2048]");
    refused_for_shape(shape(&steps_name(), &[WIDTH, WIDTH / 4, 2], WIDTH * WIDTH / 2), "[64, 16, 2]");
    // Of a matrix that fits itself, but not the net.
    let (mut checkpoint, _) = unruly();
    checkpoint.put(QUERY, &FourBits::unruly(WIDTH, WIDTH * 2, 0));
    refused(pack(&checkpoint.four_bit_files()), &[QUERY, "has shape [64, 128], config.json asks for [64, 64]"]);
}

#[test]
fn rows_that_are_no_whole_groups_are_refused() {
    // 65 weights can't be had of whole bytes: 33 of them are 66.
    for row_bytes in [33, 31, 24, 8, 1] {
        let wrong = spoiled(&steps_name(), |stored| {
            (stored.shape, stored.bytes) = (vec![WIDTH, row_bytes], vec![0; WIDTH * row_bytes]);
        });
        let said = format!("has rows of {row_bytes} bytes in {}", steps_name());
        refused(wrong, &[QUERY, &said, "two weights a byte", "whole groups of 32 weights"]);
    }
}

#[test]
fn scales_that_are_not_finite_are_refused_with_their_place() {
    for (value, said) in [(f16::NAN, "NaN"), (f16::INFINITY, "inf"), (f16::NEG_INFINITY, "-inf")] {
        for name in [WORDS, QUERY, POSITIONS, CLASSIFIER] {
            let scale = format!("{name}.scale");
            let wrong = spoiled(&scale, |stored| stored.bytes[6..8].copy_from_slice(&value.to_le_bytes()));
            refused(wrong, &[&scale, said, "row 1, column 1", "must be finite"]);
        }
    }
}

/// A scale may be finite, and the f16 that a table or a small tensor is widened to not.
#[test]
fn steps_that_are_too_large_once_widened_are_refused_with_their_place() {
    for name in [POSITIONS, CLASSIFIER] {
        let (mut checkpoint, matrices) = unruly();
        let mut four_bits = matrices.into_iter().find(|(other, _)| other == name).expect("the matrix").1;
        four_bits.scales[2] = f16::MAX;
        four_bits.steps[WIDTH..][..32].fill(8);
        four_bits.steps[WIDTH + 7] = 0;
        checkpoint.put(name, &four_bits);
        refused(pack(&checkpoint.four_bit_files()), &[name, "-inf", "row 1, column 7"]);
    }
}

#[test]
fn a_four_bit_file_cut_at_any_byte_is_refused() {
    let (checkpoint, _) = unruly();
    let files = checkpoint.four_bit_files();
    let whole = files.0["model.q4.safetensors"].clone();
    for n_bytes in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let mut cut = files.clone();
        cut.0.insert("model.q4.safetensors".into(), whole[..n_bytes].to_vec());
        refused(pack(&cut), &["model.q4.safetensors"]);
    }
}

/// What a header may claim without a byte of data: no row, or rows longer than can be counted.
#[test]
fn claims_of_impossible_shapes_are_refused() {
    for shape in [vec![0, usize::MAX & !15], vec![usize::MAX & !15, 0], vec![0, 0]] {
        let scale_shape = vec![shape[0], shape[1] / 16];
        let empty = |dtype, shape| Stored { dtype, shape, bytes: vec![] };
        let (q, scale) = (empty("U8", shape), empty("F16", scale_shape));
        let mut files = Checkpoint::tiny().files();
        let weights = safetensors(&[(&steps_name(), &q), (&scale_name(), &scale)]);
        files.0.insert("model.safetensors".into(), weights);
        refused(pack(&files), &["tensor"]);
    }
}
