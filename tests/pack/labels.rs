//! Checkpoints of two, three and five classes: their labels as people write them, and a net of each that gives as many logits.

use serde_json::{Value, json};
use sotto::nets::DistilBertBuilder;
use sotto::pack::PackReader;
use sotto::pack::source::run;
use sotto::pack::{Dtype, distilbert};

use super::checkpoint::{Checkpoint, pack};
use super::collect::read;

const CLASSES: [&[&str]; 3] = [
    &["NEGATIVE", "POSITIVE"],
    &["negative", "neutral", "positive"],
    &["1 star", "2 stars", "3 stars", "4 stars", "5 stars"],
];

fn labels(id2label: Value, label2id: Value, num_labels: Value) -> Vec<String> {
    let mut checkpoint = Checkpoint::tiny();
    checkpoint.config["id2label"] = id2label;
    checkpoint.config["label2id"] = label2id;
    checkpoint.config["num_labels"] = num_labels;
    run(distilbert::labels(&checkpoint.files())).expect("labels")
}

#[test]
fn labels_are_read_as_checkpoints_write_them() {
    for classes in CLASSES {
        let files = Checkpoint::with_labels(classes).files();
        assert_eq!(run(distilbert::labels(&files)).expect("labels"), classes);
    }
    let names = json!({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"});
    let three = ["LABEL_0", "LABEL_1", "LABEL_2"];
    assert_eq!(labels(names.clone(), json!({"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}), json!(3)), three);
    assert_eq!(labels(names, Value::Null, Value::Null), three);
    assert_eq!(labels(Value::Null, Value::Null, json!(3)), three);
    assert_eq!(labels(Value::Null, Value::Null, Value::Null), ["LABEL_0", "LABEL_1"]);
    // Any order of the words, ids as text, and classes named by bare numbers.
    let order = json!({"0": "positive", "1": "neutral", "2": "negative"});
    let ids = json!({"negative": "2", "neutral": "1", "positive": "0"});
    assert_eq!(labels(order, ids, Value::Null), ["positive", "neutral", "negative"]);
    assert_eq!(labels(json!({"0": 1, "1": 2}), json!({"1": 0, "2": 1}), Value::Null), ["1", "2"]);
}

/// The classifier's first rows are the same in each, so what is judged by them must be the same to the bit.
#[test]
fn nets_of_two_three_and_five_classes_load_and_judge() {
    let mut logits: Vec<Vec<f32>> = vec![];
    for classes in CLASSES {
        let file = pack(&Checkpoint::with_labels(classes).files()).expect("a packed file");
        let header = read(&file, 1 << 20).expect("a whole file").header;
        assert_eq!(header.tensor("classifier.weight").expect("a tensor").dtype, Dtype::F32);
        let mut reader = PackReader::new(DistilBertBuilder::default());
        reader.feed(&file).expect("a whole file");
        let loaded = reader.finish().expect("every tensor").finish().expect("a net");
        assert_eq!(loaded.labels, classes);
        let judged = loaded.net.forward(&[2, 7, 9, 3], &[4]).and_then(|t| t.to_vec2()).expect("logits");
        assert_eq!(judged[0].len(), classes.len());
        logits.push(judged[0].clone());
    }
    let five = &logits[2];
    assert_eq!([&five[..2], &five[..3]], [&logits[0][..], &logits[1][..]]);
    assert!((1..5).all(|i| five[i].is_finite() && five[i] != five[i - 1]), "{five:?}");
}
