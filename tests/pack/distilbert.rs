//! The DistilBERT importer on a tiny checkpoint: exactness, shards, vocabularies, and everything it must refuse.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sotto::nets::DistilBertBuilder;
use sotto::pack::source::Files;
use sotto::pack::{Dtype, PACK_VERSION, PACK_VERSION_SYMBOLS, PackError, PackReader, key};
use sotto::tasks::sentiment::SentimentModel;
use sotto::text::judgeable::Languages;

use super::checkpoint::{Checkpoint, N_PIECES, Stored, WIDTH, f16_bytes, off_grid, on_grid, pack, safetensors};
use super::collect::read;
use super::q4_0_to_f32;
use super::refused;

const WORDS: &str = "distilbert.embeddings.word_embeddings.weight";
const QUERY: &str = "distilbert.transformer.layer.1.attention.q_lin.weight";

fn spoiled(spoil: impl FnOnce(&mut Checkpoint)) -> Files {
    let mut checkpoint = Checkpoint::tiny();
    spoil(&mut checkpoint);
    checkpoint.files()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn weights_on_the_grid_stay_bit_for_bit() {
    let checkpoint = Checkpoint::tiny();
    let packed = read(&pack(&checkpoint.files()).expect("a packed file"), 1000).expect("a whole file");
    for tensor in &packed.header.tensors {
        let bytes = &packed.tensors[&tensor.name];
        let original = &checkpoint.tensors[&tensor.name].bytes;
        let restored = match tensor.dtype {
            Dtype::Q4_0 => q4_0_to_f32(bytes),
            Dtype::F32 => floats(bytes),
            Dtype::F16 => {
                assert_eq!(bytes, original, "{}", tensor.name);
                continue;
            }
            Dtype::I8 | Dtype::I16 => panic!("{} is on the grid", tensor.name),
        };
        assert_eq!(f16_bytes(&restored), *original, "{}", tensor.name);
    }
    let dtype = |name: &str| packed.header.tensor(name).expect("a tensor").dtype;
    assert_eq!(dtype(WORDS), Dtype::Q4_0);
    assert_eq!(dtype("classifier.weight"), Dtype::F32);
    assert_eq!(dtype("distilbert.embeddings.position_embeddings.weight"), Dtype::F16);
    assert_eq!(packed.header.labels().expect("labels"), ["NEGATIVE", "POSITIVE"]);
    assert_eq!(packed.header.vocabulary().expect("a vocabulary").lines().count(), N_PIECES);
}

#[test]
fn weights_off_the_grid_become_i8_with_a_scale_per_row() {
    let weights = off_grid(WIDTH * WIDTH);
    for (dtype, bytes) in
        [("F16", f16_bytes(&weights)), ("F32", weights.iter().flat_map(|value| value.to_le_bytes()).collect())]
    {
        let stored = Stored { dtype, shape: vec![WIDTH, WIDTH], bytes };
        let file = pack(&spoiled(|checkpoint| *checkpoint.tensor(QUERY) = stored)).expect("a packed file");
        let packed = read(&file, 1 << 20).expect("a whole file");
        let order: Vec<&str> = packed.header.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        let at = order.iter().position(|name| *name == QUERY).expect("the tensor");
        let stem = QUERY.trim_end_matches("weight");
        // Scales and bias come first, so a layer is whole with its last row.
        assert_eq!(packed.header.tensors[at].dtype, Dtype::I8);
        let before = [format!("{stem}bias"), format!("{stem}scale")];
        assert!(before.iter().all(|name| order[at - 2..at].contains(&name.as_str())), "{:?}", &order[at - 2..=at]);
        let scales = floats(&packed.tensors[&format!("{stem}scale")]);
        for (i, (&step, weight)) in packed.tensors[QUERY].iter().zip(&weights).enumerate() {
            let scale = scales[i / WIDTH];
            let error = (f32::from(step as i8) * scale - weight).abs();
            // Half a step, and what f16 lost before.
            assert!(error <= 0.5 * scale + 1e-4, "{error} at {i}, steps of {scale}");
        }
    }
}

#[test]
fn shards_and_tokenizer_json_make_the_same_file() {
    let checkpoint = Checkpoint::tiny();
    let whole = pack(&checkpoint.files()).expect("a packed file");
    assert_eq!(pack(&checkpoint.sharded_files()).expect("from shards"), whole);
    let mut files = checkpoint.files();
    files.0.remove("vocab.txt");
    let ids: serde_json::Map<String, Value> =
        checkpoint.pieces.iter().enumerate().map(|(id, piece)| (piece.clone(), id.into())).collect();
    let tokenizer = json!({
        "normalizer": {"type": "BertNormalizer", "lowercase": true, "strip_accents": null},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": ids},
    });
    files.0.insert("tokenizer.json".into(), tokenizer.to_string().into_bytes());
    assert_eq!(pack(&files).expect("from tokenizer.json"), whole);
    let mut files = checkpoint.files();
    let vocabulary = files.0["vocab.txt"].clone();
    let crlf = String::from_utf8(vocabulary).expect("text").replace('\n', "\r\n");
    files.0.insert("vocab.txt".into(), crlf.trim_end().as_bytes().to_vec());
    assert_eq!(pack(&files).expect("with CRLF and no last newline"), whole);
}

/// If this fails, the importer makes other files of the same checkpoint: raise `PACK_VERSION`, pack the models again,
/// and put the new hash here.
#[test]
fn golden_bytes_of_a_tiny_checkpoint() {
    let file = pack(&Checkpoint::tiny().files()).expect("a packed file");
    let sha256: String = Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (PACK_VERSION, sha256.as_str()),
        (1, "0a2e92611c0cdd18752df019cee40c106df2d33ac50996f748b4d338cd1688e5"),
        "what the importer writes changed: raise PACK_VERSION in src/pack/mod.rs and pack the models again"
    );
}

#[test]
fn other_architectures_are_refused() {
    let config = |key: &str, value: Value| {
        let key = key.to_string();
        pack(&spoiled(|checkpoint| checkpoint.config[key] = value))
    };
    for (model_type, name) in [
        ("roberta", "a RoBERTa model"),
        ("xlm-roberta", "an XLM-RoBERTa model"),
        ("bert", "a BERT model"),
        ("deberta-v2", "a DeBERTa model"),
        ("albert", "an ALBERT model"),
        ("electra", "an ELECTRA model"),
        ("mamba", "another model"),
    ] {
        let this = format!("config.json: this is {name} (model_type {model_type}); Sotto reads DistilBERT checkpoints");
        let needed = "uncased, with 2, 3 or 5 labels. A DistilBERT trained on the same task would be needed";
        refused(config("model_type", json!(model_type)), &[&this, needed]);
    }
    refused(config("model_type", Value::Null), &["names no model_type", "would be needed"]);
    let trained = "one that was trained to classify texts (DistilBertForSequenceClassification) would be needed";
    for (architecture, does) in [
        ("DistilBertForMaskedLM", "fills in words"),
        ("DistilBertForTokenClassification", "marks words in a text"),
        ("DistilBertModel", "has no head yet"),
        ("DistilBertForRanking", "has another head"),
    ] {
        let this = format!("this DistilBERT {does} (architecture {architecture})");
        refused(config("architectures", json!([architecture])), &[&this, trained]);
    }
    refused(config("architectures", Value::Null), &["names no architecture", trained]);
    refused(config("activation", json!("relu")), &["activation is relu"]);
    refused(config("n_heads", json!(5)), &["5 heads"]);
    refused(config("dim", json!(60)), &["dim is 60", "multiple of 32"]);
    refused(config("n_layers", json!(-1)), &["n_layers is -1"]);
    refused(config("n_layers", Value::Null), &["n_layers is null"]);
    let stored = Stored { dtype: "F16", shape: vec![1], bytes: vec![0, 0] };
    let adapter = spoiled(|checkpoint| drop(checkpoint.tensors.insert("lora.down.weight".into(), stored)));
    refused(pack(&adapter), &["\"lora.down.weight\"", "another architecture"]);
    let mut files = Checkpoint::tiny().files();
    files.0.remove("config.json");
    refused(pack(&files), &["config.json", "is missing"]);
    files.0.insert("config.json".into(), b"{\"model_type\": ".to_vec());
    refused(pack(&files), &["config.json", "not JSON"]);
}

#[test]
fn missing_tensors_are_refused_by_name() {
    for name in Checkpoint::tiny().tensors.keys() {
        let files = spoiled(|checkpoint| drop(checkpoint.tensors.remove(name)));
        refused(pack(&files), &[name, "missing"]);
    }
    let mut files = Checkpoint::tiny().files();
    files.0.remove("model.safetensors");
    refused(pack(&files), &["model.safetensors", "is missing"]);
    let mut files = Checkpoint::tiny().sharded_files();
    files.0.remove("model-00002-of-00002.safetensors");
    refused(pack(&files), &["model-00002-of-00002.safetensors", "is missing"]);
}

#[test]
fn doubled_tensors_are_refused_by_name() {
    let checkpoint = Checkpoint::tiny();
    let mut tensors: Vec<(&str, &Stored)> = checkpoint.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
    tensors.push((QUERY, &checkpoint.tensors[QUERY]));
    let mut files = checkpoint.files();
    files.0.insert("model.safetensors".into(), safetensors(&tensors));
    refused(pack(&files), &[QUERY, "stands twice"]);
    let mut files = checkpoint.sharded_files();
    let first = "model-00001-of-00002.safetensors";
    let both: Vec<(&str, &Stored)> = checkpoint.tensors.iter().map(|(name, t)| (name.as_str(), t)).collect();
    files.0.insert(first.into(), safetensors(&both));
    refused(pack(&files), &["stands twice", "model-00002-of-00002.safetensors"]);
}

#[test]
fn wrong_shapes_and_types_are_refused_by_name() {
    let wrong = |shape: &[usize], dtype: &'static str| {
        let n_bytes = shape.iter().product::<usize>() * 2;
        let stored = Stored { dtype, shape: shape.to_vec(), bytes: vec![0; n_bytes] };
        pack(&spoiled(|checkpoint| *checkpoint.tensor(QUERY) = stored))
    };
    refused(wrong(&[WIDTH, WIDTH + 1], "F16"), &[QUERY, "has shape [64, 65]", "[64, 64]"]);
    refused(wrong(&[WIDTH * WIDTH], "F16"), &[QUERY, "has shape [4096]"]);
    refused(wrong(&[WIDTH, WIDTH], "I16"), &[QUERY, "type I16"]);
    let bytes = Stored { dtype: "U8", shape: vec![WIDTH, WIDTH], bytes: vec![8; WIDTH * WIDTH] };
    refused(pack(&spoiled(|checkpoint| *checkpoint.tensor(QUERY) = bytes)), &[QUERY, "type U8", "ends in .q"]);
    // Twice the bytes that the shape needs.
    refused(wrong(&[WIDTH, WIDTH], "F32"), &[QUERY, "don't fit shape"]);
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    for (value, said) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        for name in [WORDS, QUERY, "classifier.weight"] {
            let files = spoiled(|checkpoint| {
                checkpoint.tensor(name).bytes[(WIDTH + 5) * 2..][..2].copy_from_slice(&f16_bytes(&[value]));
            });
            refused(pack(&files), &[name, said, "row 1, column 5"]);
        }
    }
}

#[test]
fn a_safetensors_file_cut_at_any_byte_is_refused() {
    let files = Checkpoint::tiny().files();
    let whole = files.0["model.safetensors"].clone();
    let n_header_bytes = 8 + u64::from_le_bytes(whole[..8].try_into().expect("eight bytes")) as usize;
    // Every byte of the header, then a prime's multiples: each cut in the data is one case.
    for n_bytes in (0..n_header_bytes + 2).chain((n_header_bytes..whole.len()).step_by(997)).chain([whole.len() - 1]) {
        let mut cut = files.clone();
        cut.0.insert("model.safetensors".into(), whole[..n_bytes].to_vec());
        refused(pack(&cut), &["model.safetensors"]);
    }
    let mut long = files.clone();
    long.0.insert("model.safetensors".into(), [whole, vec![0]].concat());
    refused(pack(&long), &["model.safetensors"]);
}

#[test]
fn tensors_that_share_bytes_are_refused() {
    let entry = |name: &str, start: usize| {
        format!("\"{name}\":{{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[{start},{}]}}", start + 8)
    };
    for (second, said) in [(0, "starts at byte 0"), (4, "starts at byte 4"), (9, "starts at byte 9")] {
        let header = format!("{{{},{}}}", entry("first", 0), entry("second", second));
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 17]].concat();
        let mut files = Checkpoint::tiny().files();
        files.0.insert("model.safetensors".into(), file);
        refused(pack(&files), &["\"second\"", said, "must at 8"]);
    }
}

#[test]
fn vocabularies_that_do_not_fit_are_refused() {
    let vocabulary = |change: fn(&mut Vec<String>)| pack(&spoiled(|checkpoint| change(&mut checkpoint.pieces)));
    refused(vocabulary(|pieces| drop(pieces.pop())), &["vocab.txt", "39 pieces", "vocab_size is 40"]);
    refused(vocabulary(|pieces| pieces.push("more".into())), &["41 pieces"]);
    refused(vocabulary(|pieces| pieces[7] = "piece6".into()), &["piece 7", "piece6", "stands twice"]);
    refused(vocabulary(|pieces| pieces[7].clear()), &["piece 7 is empty"]);
    refused(vocabulary(|pieces| pieces[2] = "CLS".into()), &["has no [CLS]"]);
    let other = |file: &str, bytes: &[u8]| {
        let (file, bytes) = (file.to_string(), bytes.to_vec());
        pack(&spoiled(|checkpoint| drop(checkpoint.others.insert(file, bytes))))
    };
    refused(other("vocab.txt", b"[PAD]\n\xff\n"), &["vocab.txt", "not UTF-8 at byte 6"]);
    refused(other("tokenizer_config.json", b"{\"do_lower_case\": false}"), &["tokenizer_config.json", "do_lower_case"]);
    refused(other("tokenizer.json", b"{\"model\": {\"type\": \"BPE\"}}"), &["tokenizer.json", "BPE"]);
    let cased = b"{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": false}}";
    refused(other("tokenizer.json", cased), &["tokenizer.json", "lowercase is false"]);
    let mut files = Checkpoint::tiny().files();
    files.0.remove("vocab.txt");
    refused(pack(&files), &["vocab.txt", "is missing"]);
}

/// What the model with the rule brought, beside its vocabulary.
fn symbols_tokenizer() -> Value {
    serde_json::from_str(include_str!("../oracles/fixtures/symbols_tokenizer.json")).expect("JSON")
}

/// The tiny checkpoint with a flag among its pieces, vocab.txt beside tokenizer.json.
fn pack_with(tokenizer: &Value) -> Result<Vec<u8>, PackError> {
    pack(&spoiled(|checkpoint| {
        checkpoint.pieces[7] = "🏳".into();
        checkpoint.others.insert("tokenizer.json".into(), tokenizer.to_string().into_bytes());
    }))
}

#[test]
fn a_tokenizer_whose_symbols_stand_alone_is_known_by_its_rules() {
    let packed = read(&pack_with(&symbols_tokenizer()).expect("a packed file"), 1000).expect("a whole file");
    assert!(packed.header.symbols_alone().expect("a rule"));
    assert_eq!(packed.header.metadata.u32(key::PACK_VERSION).expect("a version"), PACK_VERSION_SYMBOLS);
    // vocab.txt by itself says nothing of symbols, whichever it has.
    let plain = pack(&spoiled(|checkpoint| checkpoint.pieces[7] = "🏳".into())).expect("a packed file");
    let bert = json!({"normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"}});
    assert_eq!(pack_with(&bert).expect("a packed file"), plain);
    let packed = read(&plain, 1000).expect("a whole file");
    assert!(packed.header.metadata.get(key::SYMBOLS).is_none());
    assert_eq!(packed.header.metadata.u32(key::PACK_VERSION).expect("a version"), PACK_VERSION);
    let without = pack(&spoiled(|checkpoint| {
        checkpoint.others.insert("tokenizer.json".into(), symbols_tokenizer().to_string().into_bytes());
    }));
    refused(without, &["vocab.txt", "has no 🏳"]);
}

#[test]
fn the_net_hands_the_rule_on_to_whoever_splits_texts() {
    let load = |tokenizer: &Value| {
        let mut reader = PackReader::new(DistilBertBuilder::default());
        reader.feed(&pack_with(tokenizer).expect("a packed file")).expect("a whole file");
        reader.finish().and_then(DistilBertBuilder::finish).expect("a net")
    };
    let words = |model: &SentimentModel| {
        let pieces = model.pieces().pieces_with_offsets("piece8🏳piece9");
        pieces.iter().map(|piece| piece.id).collect::<Vec<_>>()
    };
    let alone = SentimentModel::new(load(&symbols_tokenizer()), Languages::English).expect("a model");
    assert_eq!(words(&alone), [8, 7, 9]);
    let plain = SentimentModel::new(load(&json!({})), Languages::English).expect("a model");
    assert_eq!(words(&plain), [1], "to BERT the symbol makes the word unknown");
    for (piece, instead, said) in [("🏳", "piece7", "has no 🏳"), ("piece8", "🏳", "has 🏳 twice, as pieces 7 and 8")]
    {
        let mut loaded = load(&symbols_tokenizer());
        loaded.vocabulary = loaded.vocabulary.replace(piece, instead);
        let refused = SentimentModel::new(loaded, Languages::English).expect_err("must be refused").to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn rules_that_are_almost_those_are_refused_by_what_was_found() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut tokenizer = symbols_tokenizer();
        change(&mut tokenizer);
        pack_with(&tokenizer)
    };
    let with = |path: &'static str, value: Value| {
        changed(&|tokenizer| *tokenizer.pointer_mut(path).expect("a part of the file") = value.clone())
    };
    let (first, second) = ("step 0 of normalizer", "step 1 of normalizer");
    refused(with("/normalizer/normalizers/0/content", json!(" ")), &[first, r#""content":" ""#]);
    refused(with("/normalizer/normalizers/0/pattern/Regex", json!("[\\x{200D}]")), &[first, "[\\\\x{200D}]\""]);
    refused(with("/normalizer/normalizers/0/pattern", json!({"String": "-"})), &[first, r#"{"String":"-"}"#]);
    refused(with("/normalizer/normalizers/1/content", json!("🏴")), &[second, "🏴", "🏳"]);
    refused(with("/normalizer/normalizers/1/type", json!("Prepend")), &[second, "Prepend"]);
    refused(with("/normalizer/normalizers/2/type", json!("NFD")), &["normalizer is NFD"]);
    refused(with("/normalizer/normalizers/2/lowercase", json!(false)), &["lowercase is false"]);
    let swapped = changed(&|tokenizer| {
        tokenizer["normalizer"]["normalizers"].as_array_mut().expect("steps").swap(0, 1);
    });
    refused(swapped, &[first]);
    let shorter =
        changed(&|tokenizer| drop(tokenizer["normalizer"]["normalizers"].as_array_mut().expect("steps").pop()));
    refused(shorter, &["normalizer is a Sequence of", "Replace", "3 steps"]);
    refused(with("/pre_tokenizer/pretokenizers/0/behavior", json!("Removed")), &["step 0 of pre_tokenizer", "Removed"]);
    refused(with("/pre_tokenizer/pretokenizers/0/invert", json!(true)), &["step 0 of pre_tokenizer", "true"]);
    refused(
        with("/pre_tokenizer/pretokenizers/1/type", json!("Whitespace")),
        &["step 1 of pre_tokenizer", "Whitespace"],
    );
    refused(with("/pre_tokenizer/pretokenizers", json!([])), &["pre_tokenizer is a Sequence of []", "2 steps"]);
    // One half of the rules without the other.
    refused(with("/pre_tokenizer", json!({"type": "BertPreTokenizer"})), &["normalizer is Sequence"]);
    refused(with("/normalizer", json!({"type": "BertNormalizer"})), &["pre_tokenizer is Sequence", "BertNormalizer"]);
    refused(with("/normalizer", Value::Null), &["pre_tokenizer is Sequence"]);
    let other = json!({"normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "Whitespace"}});
    refused(pack_with(&other), &["pre_tokenizer is Whitespace", "BertPreTokenizer"]);
}

#[test]
fn a_vocabulary_beside_another_tokenizer_is_refused_at_their_first_difference() {
    let beside = |change: fn(&mut Vec<String>)| {
        let checkpoint = Checkpoint::tiny();
        let mut pieces = checkpoint.pieces.clone();
        change(&mut pieces);
        let ids: serde_json::Map<String, Value> =
            pieces.into_iter().enumerate().map(|(id, piece)| (piece, id.into())).collect();
        let tokenizer = json!({"model": {"vocab": ids}}).to_string().into_bytes();
        pack(&spoiled(|checkpoint| drop(checkpoint.others.insert("tokenizer.json".into(), tokenizer))))
    };
    assert_eq!(beside(|_| {}).expect("the same"), pack(&Checkpoint::tiny().files()).expect("a packed file"));
    let other = beside(|pieces| pieces.swap(9, 12));
    refused(other, &["vocab.txt", "piece 9 is \"piece9\"", "in tokenizer.json it is \"piece12\""]);
    refused(beside(|pieces| drop(pieces.pop())), &["vocab.txt", "has 40 pieces, tokenizer.json has 39"]);
}

#[test]
fn labels_that_do_not_match_are_refused() {
    let config = |key: &str, value: Value| {
        let key = key.to_string();
        pack(&spoiled(|checkpoint| checkpoint.config[key] = value))
    };
    refused(config("label2id", json!({"NEGATIVE": 1, "POSITIVE": 0})), &["label2id and id2label"]);
    refused(config("id2label", json!({"0": "NEGATIVE", "2": "POSITIVE"})), &["none for class 1"]);
    refused(config("id2label", json!({"0": "GOOD", "1": "GOOD"})), &["\"GOOD\" twice"]);
    refused(config("id2label", json!({"0": "GOOD"})), &["names 1 classes"]);
    refused(config("num_labels", json!(3)), &["num_labels is 3"]);
    refused(config("label2id", json!({"NEGATIVE": "1", "POSITIVE": "0"})), &["label2id and id2label"]);
    refused(config("id2label", json!({"0": "GOOD", "1": {"name": "BAD"}})), &["none for class 1"]);
    let number = spoiled(|checkpoint| {
        checkpoint.config["id2label"] = Value::Null;
        checkpoint.config["num_labels"] = json!(1);
    });
    refused(pack(&number), &["num_labels is 1", "2 or more"]);
    let three = pack(&spoiled(|checkpoint| {
        checkpoint.config["id2label"] = json!({"0": "A", "1": "B", "2": "C"});
        checkpoint.config["label2id"] = json!({"A": 0, "B": 1, "C": 2});
    }));
    refused(three, &["classifier", "has shape [2", "asks for [3"]);
}

/// The grid's rule, at its edges.
#[test]
fn only_the_grid_itself_counts_as_the_grid() {
    use sotto::pack::quantise::{Precision, q4_0_exactly};
    let mut group: [f32; 32] = on_grid(32, 0).try_into().expect("one group");
    assert!(q4_0_exactly(&group, Precision::F16).is_some());
    assert_eq!(q4_0_to_f32(&q4_0_exactly(&[0.0; 32], Precision::F32).expect("zeros are on the grid")), [0.0; 32]);
    group[3] = f32::from_bits(group[3].to_bits() + (1 << 13));
    assert!(q4_0_exactly(&group, Precision::F16).is_none(), "one f16 further is off the grid");
    let ramp: [f32; 32] = std::array::from_fn(|i| i as f32 - 16.0);
    assert!(q4_0_exactly(&ramp, Precision::F32).is_none(), "33 steps don't fit 16");
}
