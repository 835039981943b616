//! The open_nsfw importer on a graph of its shape with made-up weights: folding, order and rounding against plain
//! arithmetic, and what it must refuse. The reader of ONNX has tests of its own in src/pack/onnx.rs.

use std::io::Cursor;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use sotto::pack::importer::Import;
use sotto::pack::{Dtype, PACK_VERSION, PackError, key, open_nsfw};

use super::collect::{Collect, read};
use super::graph::{Attribute, Graph, Node};
use super::refused;

/// Six million numbers are made up once.
static GRAPH: LazyLock<Graph> = LazyLock::new(Graph::open_nsfw);
static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| pack(&GRAPH.to_bytes()).expect("a packed file"));

fn pack(onnx: &[u8]) -> Result<Vec<u8>, PackError> {
    let import = Import { name: "made up".into() };
    open_nsfw::pack(onnx, &import, Cursor::new(Vec::new()), |_| {}).map(Cursor::into_inner)
}

fn spoiled(spoil: impl FnOnce(&mut Graph)) -> Result<Vec<u8>, PackError> {
    let mut graph = GRAPH.clone();
    spoil(&mut graph);
    pack(&graph.to_bytes())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The names of all convolutions in the file's order, which is that of the graph's.
fn names() -> Vec<String> {
    let mut names = vec!["stem".to_string()];
    for i in 0..16 {
        let parts = if [0, 3, 7, 13].contains(&i) {
            &["narrow", "middle", "shortcut", "widen"][..]
        } else {
            &["narrow", "middle", "widen"]
        };
        names.extend(parts.iter().map(|part| format!("blocks.{i}.{part}")));
    }
    names
}

#[test]
fn layers_are_folded_and_laid_out_as_said() {
    let packed = read(&PACKED, 4099).expect("a whole file");
    let source = |name: String| GRAPH.tensors.iter().find(|tensor| tensor.name == name);
    let mut order = vec![];
    for (layer, name) in names().iter().enumerate() {
        order.extend(["scale", "bias", "weight"].map(|part| format!("{name}.{part}")));
        let weight = source(format!("weight_{layer}")).expect("a weight");
        let &[n_out, n_in, kernel, _] = weight.dims.as_slice() else { panic!("{name}") };
        let (n_out, n_in, n_pixels) = (n_out as usize, n_in as usize, (kernel * kernel) as usize);
        let part = |part: &str| source(format!("{part}_{layer}")).map(|tensor| tensor.values.as_slice());
        let (bias, mean, factor) = (part("bias"), part("mean"), part("factor"));
        // A shortcut has the beta of the convolution behind it.
        let beta = part("beta").or_else(|| Some(&source(format!("beta_{}", layer + 1))?.values));
        let (Some(bias), Some(mean), Some(factor), Some(beta)) = (bias, mean, factor, beta) else { panic!("{name}") };

        let tensor = packed.header.tensor(&format!("{name}.weight")).expect("the tensor");
        assert_eq!(tensor.shape, [n_out, n_pixels * n_in], "{name}");
        let is_wide = layer < 24 || (name.starts_with("blocks.7.") && !name.ends_with(".middle"));
        assert_eq!(tensor.dtype, if is_wide { Dtype::I16 } else { Dtype::I8 }, "{name}");
        let bytes = &packed.tensors[&tensor.name];
        let steps: Vec<i64> = match tensor.dtype {
            Dtype::I16 => bytes.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes).into()).collect(),
            _ => bytes.iter().map(|&byte| (byte as i8).into()).collect(),
        };
        let scales = floats(&packed.tensors[&format!("{name}.scale")]);
        let biases = floats(&packed.tensors[&format!("{name}.bias")]);
        for output in 0..n_out {
            let wide = |values: &[f32]| f64::from(values[output]);
            assert_eq!(
                biases[output],
                ((wide(bias) - wide(mean)) * wide(factor) + wide(beta)) as f32,
                "{name}, {output}"
            );
            let row = &steps[output * n_pixels * n_in..][..n_pixels * n_in];
            for (i, &step) in row.iter().enumerate() {
                let (pixel, channel) = (i / n_in, i % n_in);
                // Red, green, blue; the source's are the other way.
                let channel = if layer == 0 { 2 - channel } else { channel };
                let value = f64::from(weight.values[(output * n_in + channel) * n_pixels + pixel]) * wide(factor);
                let error = (step as f64 * f64::from(scales[output]) - value).abs() / f64::from(scales[output]);
                assert!(error < 0.505, "{name}, {output}, {i}: {error} steps beside {value}");
            }
            if tensor.dtype == Dtype::I16 {
                let sum: i64 = row.iter().map(|step| step.abs()).sum();
                assert!(sum * 2047 <= i32::MAX.into(), "{name}, {output}: the kernels can't add steps of {sum}");
            }
        }
    }
    order.extend(["dense.bias", "dense.weight"].map(String::from));
    assert_eq!(packed.header.tensors.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>(), order);
    let dense = source("dense_weight".into()).expect("the weight");
    let turned: Vec<f32> =
        [0, 1].iter().flat_map(|&class| dense.values.iter().skip(class).step_by(2)).copied().collect();
    assert_eq!(floats(&packed.tensors["dense.weight"]), turned);
    assert_eq!(floats(&packed.tensors["dense.bias"]), source("dense_bias".into()).expect("the bias").values);
}

#[test]
fn the_file_says_what_the_net_needs() {
    let Collect { header, .. } = read(&PACKED, 1 << 20).expect("a whole file");
    let metadata = &header.metadata;
    assert_eq!(header.architecture().expect("a net"), "open_nsfw");
    assert_eq!(header.labels().expect("two"), ["sfw", "nsfw"]);
    for (key, value) in [
        (key::OPEN_IMAGE_SIZE, 224),
        (key::OPEN_RESIZE_SIZE, 256),
        (key::OPEN_JPEG_QUALITY, 75),
        (key::OPEN_STEM_CHANNELS, 64),
        (key::OPEN_STEM_KERNEL, 7),
    ] {
        assert_eq!(metadata.u32(key).expect("a number"), value, "{key}");
    }
    for (key, values) in [
        (key::OPEN_MEAN, &[123, 117, 104][..]),
        (key::OPEN_STAGE_BLOCKS, &[3, 4, 6, 3]),
        (key::OPEN_STAGE_NARROW_CHANNELS, &[32, 64, 128, 256]),
        (key::OPEN_STAGE_OUTPUT_CHANNELS, &[128, 256, 512, 1024]),
        (key::OPEN_STAGE_STRIDE, &[1, 2, 2, 2]),
    ] {
        assert_eq!(metadata.u32s(key).expect("numbers"), values, "{key}");
    }
    assert_eq!(metadata.text(key::OPEN_RESIZE).expect("a way"), "bilinear_antialiased");
}

/// If this fails, the importer makes other files of the same graph: raise `PACK_VERSION`, pack the model again, and put
/// the new hash here.
#[test]
fn golden_bytes_of_a_made_up_net() {
    let sha256: String = Sha256::digest(&*PACKED).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (PACK_VERSION, sha256.as_str()),
        (1, "a704efd964207d9332805189ee1351554e3efa38d8e9a58a89ab4a67cff2e017"),
        "what the importer writes changed: raise PACK_VERSION in src/pack/mod.rs and pack the model again"
    );
}

#[test]
fn progress_goes_up_to_a_hundred() {
    let mut told = vec![];
    let import = Import { name: "made up".into() };
    open_nsfw::pack(&GRAPH.to_bytes(), &import, Cursor::new(Vec::new()), |percent| told.push(percent)).expect("a file");
    assert!(told.is_sorted_by(|a, b| a < b) && told.last() == Some(&100), "{told:?}");
}

#[test]
fn other_nets_are_refused_by_node() {
    let ints = |numbers: &[i64]| Attribute::Ints(numbers.to_vec());
    refused(
        spoiled(|g| *g.attribute("conv_11", "strides") = ints(&[1, 1])),
        &["\"conv_11\" has strides", "must have Ints([2, 2])", "another net"],
    );
    refused(spoiled(|g| *g.attribute("conv_2", "pads") = ints(&[0, 1, 1, 0])), &["\"conv_2\" has pads"]);
    refused(spoiled(|g| *g.attribute("conv_2", "group") = Attribute::Int(32)), &["\"conv_2\" has group Int(32)"]);
    refused(spoiled(|g| *g.attribute("conv_2", "kernel_shape") = ints(&[1, 1])), &["\"conv_2\" has kernel_shape"]);
    refused(spoiled(|g| *g.attribute("conv_2", "dilations") = ints(&[2, 2])), &["\"conv_2\" has dilations"]);
    let without = |g: &mut Graph| {
        let node = g.at("conv_2");
        g.nodes[node].attributes.pop();
    };
    refused(spoiled(without), &["\"conv_2\" has no strides"]);
    let with = |g: &mut Graph| {
        let node = g.at("conv_2");
        g.nodes[node].attributes.push(("auto_pad", Attribute::Text("SAME_UPPER")));
    };
    refused(spoiled(with), &["\"conv_2\" has auto_pad"]);
    refused(spoiled(|g| *g.attribute("pool", "ceil_mode") = Attribute::Int(1)), &["\"pool\" has ceil_mode"]);
    refused(spoiled(|g| *g.attribute("pool_pad", "mode") = Attribute::Text("constant")), &["\"pool_pad\" has mode"]);
    refused(spoiled(|g| *g.attribute("mean", "axes") = ints(&[2, 3])), &["\"mean\" has axes"]);
    refused(spoiled(|g| *g.attribute("scores", "axis") = Attribute::Int(0)), &["\"scores\" has axis"]);
    refused(spoiled(|g| *g.attribute("cast", "to") = Attribute::Int(10)), &["\"cast\" has to Int(10)"]);
    let turned = |g: &mut Graph| {
        let transpose = g.taker("conv_5");
        g.nodes[transpose].attributes = vec![("perm", ints(&[0, 1, 2, 3]))];
    };
    refused(spoiled(turned), &["Transpose_", "has perm"]);
    let sigmoid = |g: &mut Graph| {
        let relu = g.nodes.iter().rposition(|node| node.op == "Relu").expect("a relu");
        g.nodes[relu].op = "Sigmoid";
    };
    refused(spoiled(sigmoid), &["Relu_", "is a Sigmoid, a Relu must be there"]);
    refused(spoiled(|g| g.opset = 18), &["version 18", "17 can be read"]);
    refused(spoiled(|g| g.image_size = 256), &["Some(256)", "224 by 224"]);
}

#[test]
fn nodes_that_are_missing_moved_or_too_many_are_refused() {
    for name in ["cast", "pad", "pool_amounts", "pool", "conv_0", "conv_30", "mean", "logits"] {
        let mut graph = GRAPH.clone();
        let at = graph.at(name);
        graph.nodes.remove(at);
        refused(pack(&graph.to_bytes()), &[name, "which no node before it makes"]);
    }
    // Taken out with its ends joined.
    let skipped = |name: &'static str| {
        move |g: &mut Graph| {
            let (at, taker) = (g.at(name), g.taker(name));
            let input = g.nodes[at].inputs[0].clone();
            for taken in g.nodes[taker].inputs.iter_mut().filter(|taken| *taken == name) {
                *taken = input.clone();
            }
            g.nodes.remove(at);
        }
    };
    refused(spoiled(skipped("logits")), &["\"dense\" is a MatMul, a Add must be there"]);
    refused(spoiled(skipped("pool")), &["\"pool_pad\" is a Pad, a MaxPool must be there"]);
    refused(spoiled(skipped("pad")), &["\"picture\" must come from a Pad"]);
    refused(spoiled(|g| g.nodes.swap(20, 300)), &["which no node before it makes"]);
    let residual = |g: &mut Graph| {
        // The second block adds what the pool made.
        let relus: Vec<String> = g.nodes.iter().filter(|n| n.op == "Relu").map(|n| n.name.clone()).collect();
        let add = g.nodes.iter_mut().find(|n| n.op == "Add" && n.inputs[1] == relus[3]).expect("the sum");
        add.inputs[1] = relus[1].clone();
    };
    refused(spoiled(residual), &["\"Add_", "must be of one"]);
    let twice =
        |g: &mut Graph| g.nodes.push(Node { op: "Relu", attributes: vec![], ..g.nodes[g.at("scores")].clone() });
    refused(spoiled(twice), &["\"scores\"", "is there already"]);
    let idle = |g: &mut Graph| {
        let node = Node { name: "idle".into(), attributes: vec![], ..g.nodes[g.at("scores")].clone() };
        g.nodes.push(node);
    };
    refused(spoiled(idle), &["\"idle\" makes what no layer uses"]);
}

#[test]
fn other_paddings_are_refused_however_they_are_computed() {
    let constants = |g: &Graph, pads: &str| -> Vec<usize> {
        let end = g.at(pads);
        let start = if pads == "pad" { 0 } else { g.at("conv_0") };
        (start..end).filter(|&i| g.nodes[i].op == "Constant").collect()
    };
    for pad in ["pad", "pool_pad"] {
        for at in constants(&GRAPH, pad) {
            let mut graph = GRAPH.clone();
            match &mut graph.nodes[at].attributes[0].1 {
                Attribute::Number(n) => *n += 5,
                // Where a slice ends: so far before the first row that another such number is as good.
                Attribute::Row(row) if row[0] < -5 => continue,
                Attribute::Row(row) => row[0] += 5,
                _ => unreachable!("constants are numbers"),
            }
            // What is wrong is said of the padding, or of the step that can't be done with such a number.
            refused(pack(&graph.to_bytes()), &["node \"", "another net"]);
        }
    }
    let wide = |g: &mut Graph| {
        let at = constants(g, "pad")[0];
        g.nodes[at].attributes[0].1 = Attribute::Row(vec![0, 0, 2, 4, 3, 3]);
    };
    refused(spoiled(wide), &["\"pad\" pads by [0, 3, 2, 0, 0, 3, 4, 0], must pad by [0, 3, 3, 0, 0, 3, 3, 0]"]);
    let zero = |g: &mut Graph| {
        let at = constants(g, "pool_pad")[1];
        g.nodes[at].attributes[0].1 = Attribute::Number(0);
    };
    refused(spoiled(zero), &["is a Div that can't be computed"]);
    let deep = |g: &mut Graph| {
        let at = g.at("pool_pad");
        let mut last = "pool_amounts".to_string();
        for i in 0..100 {
            let name = format!("again_{i}");
            let attributes = vec![("to", Attribute::Int(7))];
            g.nodes.insert(at + i, Node { name: name.clone(), op: "Cast", inputs: vec![last], attributes });
            last = name;
        }
        g.nodes[at + 100].inputs[1] = last;
    };
    refused(spoiled(deep), &["nodes of arithmetic"]);
}

#[test]
fn wrong_tensors_are_refused_by_name() {
    let extra = |g: &mut Graph| {
        let extra = super::graph::Tensor { name: "extra".into(), ..g.tensor_at("dense_bias").clone() };
        g.tensors.push(extra);
    };
    refused(spoiled(extra), &["\"extra\"", "is used by no layer"]);
    refused(
        spoiled(|g| g.tensor_at("weight_4").dims = vec![32, 128, 1, 1]),
        &["\"weight_4\"", "must have [128, 32, 1, 1]"],
    );
    refused(spoiled(|g| g.tensor_at("factor_4").dims = vec![128]), &["\"factor_4\"", "must have [1, 1, 1, 128]"]);
    refused(spoiled(|g| g.tensor_at("dense_weight").dims = vec![2, 1024]), &["\"dense_weight\"", "[1024, 2]"]);
    refused(spoiled(|g| g.tensor_at("dense_bias").dims = vec![3]), &["\"dense_bias\"", "8 bytes"]);
    refused(spoiled(|g| g.tensor_at("dense_bias").dims = vec![-2]), &["\"dense_bias\"", "8 bytes"]);
    refused(spoiled(|g| g.tensor_at("dense_bias").kind = 10), &["\"dense_bias\"", "ONNX type 10"]);
    let whole = |g: &mut Graph| {
        let bias = g.tensor_at("dense_bias");
        (bias.kind, bias.values) = (7, vec![0.0; 4]);
    };
    refused(spoiled(whole), &["\"dense_bias\"", "must have floats"]);
    refused(spoiled(|g| g.tensor_at("mean_7").name = "mean_8".into()), &["\"mean_8\" stands twice"]);
    refused(spoiled(|g| g.tensor_at("mean_7").name = "other".into()), &["takes \"mean_7\""]);
    refused(spoiled(|g| g.tensor_at("mean_7").values[3] = f32::NAN), &["\"mean_7\"", "finite"]);
    refused(spoiled(|g| g.tensor_at("weight_7").values[3] = f32::INFINITY), &["\"weight_7\"", "finite"]);
    let huge = |g: &mut Graph| {
        g.tensor_at("weight_7").values[0] = 3e38;
        g.tensor_at("factor_7").values[0] = 3e38;
    };
    refused(spoiled(huge), &["\"weight_7\"", "larger than any float"]);
}

#[test]
fn what_is_no_onnx_or_cut_or_damaged_is_refused() {
    for bytes in [&b""[..], b"GGUF\x03\0\0\0", b"{\"name\": \"nsfwjs\"}", &[0; 1000], &PACKED[..100_000]] {
        refused(pack(bytes), &["the ONNX file"]);
    }
    let mut file = GRAPH.to_bytes();
    for n_bytes in (0..file.len()).step_by(99_991).chain(0..40).chain(file.len() - 40..file.len()) {
        refused(pack(&file[..n_bytes]), &["the ONNX file"]);
    }
    // The nodes stand in front, 80 KB of them.
    let mut random = 1u64;
    for _ in 0..30 {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (at, bit) = ((random >> 33) as usize % 80_000, 1 << (random >> 61));
        file[at] ^= bit;
        let _ = pack(&file);
        file[at] ^= bit;
    }
}
