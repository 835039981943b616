//! The nsfwjs importer on a tiny package: folding and rounding against plain arithmetic, and what it must refuse.

use serde_json::json;
use sha2::{Digest, Sha256};
use sotto::pack::{Dtype, PACK_VERSION, key};

use super::collect::{Collect, read};
use super::package::{Package, Weight, pack, pack_files};
use super::refused;

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn packed(package: &Package) -> Collect {
    read(&pack(package).expect("a packed file"), 777).expect("a whole file")
}

/// A weight of the packed file as floats, with the scale of each row.
fn widened(packed: &Collect, name: &str) -> (Vec<f32>, Vec<f32>) {
    let tensor = packed.header.tensor(&format!("{name}.weight")).expect("the tensor");
    let bytes = &packed.tensors[&tensor.name];
    if tensor.dtype == Dtype::F32 {
        return (floats(bytes), vec![]);
    }
    let scales = floats(&packed.tensors[&format!("{name}.scale")]);
    let n_columns = tensor.shape[1];
    let value = |(i, &step): (usize, &u8)| f32::from(step as i8) * scales[i / n_columns];
    (bytes.iter().enumerate().map(value).collect(), scales)
}

fn source<'a>(package: &'a Package, name: &str) -> &'a Weight {
    package.weights.iter().find(|weight| weight.name == name).expect("the weight")
}

/// Batch norm's factor and bias per channel, by its formula.
fn batch_norm(package: &Package, name: &str) -> Vec<(f64, f64)> {
    let part = |part: &str| source(package, &format!("{name}_BN/{part}")).values();
    let (gamma, beta, mean, variance) = (part("gamma"), part("beta"), part("moving_mean"), part("moving_variance"));
    (0..gamma.len())
        .map(|i| {
            let factor = gamma[i] / (variance[i] + 0.001).sqrt();
            (factor, beta[i] - mean[i] * factor)
        })
        .collect()
}

#[test]
fn batch_norm_is_folded_and_layouts_are_as_said() {
    let package = Package::keras();
    let packed = packed(&package);
    for (ours, theirs, kernel) in
        [("stem", "Conv1", "kernel"), ("blocks.1.depthwise", "block_1_depthwise", "depthwise_kernel")]
    {
        let folded = batch_norm(&package, theirs);
        let (weights, _) = widened(&packed, ours);
        let original = source(&package, &format!("{theirs}/{kernel}")).values();
        for (i, (weight, value)) in weights.iter().zip(&original).enumerate() {
            assert_eq!(*weight, (value * folded[i % folded.len()].0) as f32, "{ours}, element {i}");
        }
        let biases = floats(&packed.tensors[&format!("{ours}.bias")]);
        assert_eq!(biases, folded.iter().map(|(_, bias)| *bias as f32).collect::<Vec<_>>(), "{ours}");
    }
    let (mut n_exact, mut n_rounded) = (0, 0);
    for (ours, theirs) in
        [("blocks.2.expand", "block_2_expand"), ("blocks.2.project", "block_2_project"), ("last", "Conv_1")]
    {
        let folded = batch_norm(&package, theirs);
        let kernel = source(&package, &format!("{theirs}/kernel"));
        let original = kernel.values();
        let (weights, scales) = widened(&packed, ours);
        let n_inputs = weights.len() / folded.len();
        for (output, (factor, bias)) in folded.iter().enumerate() {
            let column = || (0..n_inputs).map(|input| input * folded.len() + output);
            let fits = column().all(|i| (i32::from(kernel.bytes[i]) - 100).abs() <= 127);
            let (mut error, mut n) = (0.0f64, 0);
            for i in column() {
                error = error.max((f64::from(weights[output * n_inputs + n]) - original[i] * factor).abs());
                n += 1;
            }
            let step = f64::from(scales[output]);
            let stored_bias = f64::from(floats(&packed.tensors[&format!("{ours}.bias")])[output]);
            if fits {
                // The source's own steps, and a bias as it was.
                assert!(error < 1e-6 && (stored_bias - bias).abs() < 1e-6, "{ours} {output}: {error}");
                n_exact += 1;
            } else {
                assert!(error <= 0.5001 * step, "{ours} {output}: {error} with steps of {step}");
                n_rounded += 1;
            }
        }
    }
    assert!(n_exact >= 4 && n_rounded >= 4, "both kinds of row must be tried: {n_exact} exact, {n_rounded} rounded");
}

#[test]
fn the_file_says_what_the_net_needs() {
    let Collect { header, .. } = packed(&Package::keras());
    let metadata = &header.metadata;
    assert_eq!(metadata.u32(key::IMAGE_SIZE).expect("a size"), 32);
    assert_eq!(metadata.u32s(key::BLOCK_STRIDE).expect("strides"), [1, 2, 1]);
    assert_eq!(metadata.bools(key::BLOCK_RESIDUAL).expect("residuals"), [false, false, true]);
    assert_eq!(metadata.u32s(key::BLOCK_EXPANDED_CHANNELS).expect("channels"), [8, 12, 12]);
    assert_eq!(metadata.texts(key::DENSE_ACTIVATION).expect("activations"), ["relu", "none"]);
    assert_eq!((metadata.f32(key::INPUT_SCALE).ok(), metadata.f32(key::INPUT_OFFSET).ok()), (Some(1.0), Some(0.0)));
    assert!(header.tensor("blocks.0.expand.weight").is_err(), "the first block does not expand");
    let Collect { header, .. } = packed(&Package::graph());
    let metadata = &header.metadata;
    assert_eq!(metadata.bools(key::BLOCK_RESIDUAL).expect("residuals"), [false, false, true]);
    assert_eq!(metadata.texts(key::DENSE_ACTIVATION).expect("activations"), ["none"]);
    assert_eq!((metadata.f32(key::INPUT_SCALE).ok(), metadata.f32(key::INPUT_OFFSET).ok()), (Some(2.0), Some(-1.0)));
}

#[test]
fn where_the_shards_are_divided_changes_nothing() {
    let whole = pack(&Package::keras()).expect("a packed file");
    for split in [1, 2, 3, 699, 701] {
        assert_eq!(pack(&Package { split, ..Package::keras() }).expect("a packed file"), whole, "split at {split}");
    }
}

/// If this fails, the importer makes other files of the same package: raise `PACK_VERSION`, pack the models again, and
/// put the new hash here.
#[test]
fn golden_bytes_of_a_tiny_package() {
    let sha256: String =
        Sha256::digest(pack(&Package::keras()).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (PACK_VERSION, sha256.as_str()),
        (1, "bb8ecadb88e67e39bafc04c24d93cabe0a0ff899b22262c53b004d35a00516ea"),
        "what the importer writes changed: raise PACK_VERSION in src/pack/mod.rs and pack the models again"
    );
}

#[test]
fn other_nets_are_refused_by_layer() {
    let spoiled = |spoil: fn(&mut Package)| {
        let mut package = Package::keras();
        spoil(&mut package);
        pack(&package)
    };
    refused(
        spoiled(|p| p.layer("block_1_expand_relu")["config"]["max_value"] = json!(null)),
        &["block_1_expand_relu", "clip at 6"],
    );
    refused(spoiled(|p| p.layer("Conv1")["config"]["strides"] = json!([3, 3])), &["\"Conv1\"", "stride 1 or 2"]);
    refused(spoiled(|p| p.layer("Conv1_pad")["config"]["padding"] = json!([[1, 1], [1, 1]])), &["Conv1_pad"]);
    refused(spoiled(|p| p.layer("flatten")["class_name"] = json!("LSTM")), &["\"flatten\"", "is a LSTM"]);
    refused(
        spoiled(|p| p.layer("Conv_1")["inbound_nodes"][0][0][0] = json!("Conv1")),
        &["\"Conv_1\"", "takes \"Conv1\""],
    );
    refused(
        spoiled(|p| p.layer("block_2_add")["inbound_nodes"][0][0][0] = json!("Conv1")),
        &["block_2_add", "block's input"],
    );
    refused(
        spoiled(|p| p.layer("input_1")["config"]["batch_input_shape"] = json!([null, 32, 64, 3])),
        &["input_1", "square"],
    );
    refused(spoiled(|p| p.layer("dense_1")["config"]["activation"] = json!("tanh")), &["dense_1", "relu or softmax"]);
    let mut package = Package::graph();
    package.topology["node"][3]["attr"]["padding"]["s"] = json!("VkFMSUQ=");
    refused(pack(&package), &["\"Conv1\"", "SAME padding"]);
}

#[test]
fn wrong_weights_are_refused_by_name() {
    let spoiled = |spoil: fn(&mut Package)| {
        let mut package = Package::keras();
        spoil(&mut package);
        pack(&package)
    };
    refused(spoiled(|p| p.weight("Conv_1/kernel").name = "other".into()), &["Conv_1/kernel", "missing"]);
    refused(spoiled(|p| p.weight("Conv_1_BN/beta").name = "other".into()), &["other", "another architecture"]);
    refused(spoiled(|p| p.weight("Conv_1/kernel").name = "Conv1/kernel".into()), &["Conv1/kernel", "stands twice"]);
    refused(
        spoiled(|p| p.weight("Conv_1/kernel").shape = vec![1, 1, 8, 8]),
        &["Conv_1/kernel", "takes 8 channels, 4 come"],
    );
    refused(spoiled(|p| p.weight("Conv_1/kernel").shape = vec![2, 2, 4, 4]), &["Conv_1/kernel", "[2, 2, 4, 4]"]);
    refused(spoiled(|p| p.weight("Conv_1_BN/gamma").shape = vec![4, 4]), &["Conv_1_BN/gamma", "must have [16]"]);
    refused(spoiled(|p| p.weight("Conv_1_BN/moving_variance").min = -3.0), &["Conv_1_BN/moving_variance", "negative"]);
    refused(spoiled(|p| p.weight("dense_2/kernel").scale = f64::NAN), &["dense_2/kernel", "finite"]);
    refused(spoiled(|p| p.weight("Conv_1/kernel").shape = vec![1, 1, 4, 17]), &["describes", "the shards hold"]);
}

#[test]
fn labels_that_do_not_match_are_refused() {
    let mut files = Package::keras().files();
    files.0.insert("dist/cjs/nsfw_classes.js".into(), b"exports.NSFW_CLASSES = {0: 'A', 1: 'B'};".to_vec());
    refused(pack_files(&files, false), &["nsfw_classes.js", "5 classes", "names 2"]);
    files.0.insert("dist/cjs/nsfw_classes.js".into(), b"exports.NSFW_CLASSES = {1: 'A', 2: 'B'};".to_vec());
    refused(pack_files(&files, false), &["nsfw_classes.js", "from 0"]);
}

#[test]
fn another_package_or_a_missing_file_is_refused() {
    let files = Package::keras().files();
    for file in files.0.keys() {
        let mut without = files.clone();
        without.0.remove(file);
        refused(pack_files(&without, false), &[file, "is missing"]);
    }
    let mut other = files.clone();
    other.0.insert("package.json".into(), b"{\"name\": \"left-pad\"}".to_vec());
    refused(pack_files(&other, false), &["package.json", "left-pad"]);
}

#[test]
fn files_cut_at_any_byte_are_refused() {
    let files = Package::keras().files();
    let directory = Package::keras().directory();
    for file in ["model.min.js", "group1-shard1of2.min.js", "group1-shard2of2.min.js"] {
        let file = format!("{directory}/{file}");
        let whole = files.0[&file].clone();
        // What the loader puts behind the literal may be missing: nothing of the model is lost then.
        let end = whole.windows(5).rposition(|bytes| bytes == b"},{}]").expect("the literal's end");
        let step = if file.contains("model") { 7 } else { 1 };
        for n_bytes in (0..end).step_by(step) {
            let mut cut = files.clone();
            cut.0.insert(file.clone(), whole[..n_bytes].to_vec());
            refused(pack_files(&cut, false), &[directory]);
        }
    }
}
