//! A tiny nsfwjs package in memory, with a MobileNetV2 of three blocks as Keras layers and as a frozen graph, minified
//! as the real one is.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sotto::pack::PackError;
use sotto::pack::importer::Import;
use sotto::pack::nsfwjs::{self, Model};
use sotto::pack::source::{Files, run};

#[derive(Debug, Clone)]
pub struct Weight {
    pub name: String,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
    pub scale: f64,
    pub min: f64,
}

impl Weight {
    pub fn values(&self) -> Vec<f64> {
        self.bytes.iter().map(|&byte| f64::from(byte) * self.scale + self.min).collect()
    }
}

#[derive(Debug, Clone)]
pub struct Package {
    pub topology: Value,
    pub graph: bool,
    pub weights: Vec<Weight>,
    /// Where the bytes are divided into two shards.
    pub split: usize,
}

/// What the convolutions are: name, kernel's shape, stride, clipped.
const CONVOLUTIONS: [(&str, [usize; 4], usize, bool); 10] = [
    ("Conv1", [3, 3, 3, 8], 2, true),
    ("block_0_depthwise", [3, 3, 8, 1], 1, true),
    ("block_0_project", [1, 1, 8, 4], 1, false),
    ("block_1_expand", [1, 1, 4, 12], 1, true),
    ("block_1_depthwise", [3, 3, 12, 1], 2, true),
    ("block_1_project", [1, 1, 12, 4], 1, false),
    ("block_2_expand", [1, 1, 4, 12], 1, true),
    ("block_2_depthwise", [3, 3, 12, 1], 1, true),
    ("block_2_project", [1, 1, 12, 4], 1, false),
    ("Conv_1", [1, 1, 4, 16], 1, true),
];

fn n_outputs(shape: &[usize; 4]) -> usize {
    if shape[3] == 1 { shape[2] } else { shape[3] }
}

fn weight(name: String, shape: &[usize], scale: f64, min: f64) -> Weight {
    let seed = name.len();
    let n: usize = shape.iter().product();
    let bytes = (0..n).map(|i| (i * 37 + seed * 11 + i * i % 13) as u8).collect();
    Weight { name, shape: shape.to_vec(), bytes, scale, min }
}

impl Package {
    pub fn keras() -> Self {
        let mut layers = vec![layer("InputLayer", "input_1", &[], json!({"batch_input_shape": [null, 32, 32, 3]}))];
        let mut weights = Vec::new();
        let mut end = "input_1".to_string();
        for (name, shape, stride, clipped) in CONVOLUTIONS {
            if stride == 2 {
                let pad = format!("{name}_pad");
                layers.push(layer("ZeroPadding2D", &pad, &[&end], json!({"padding": [[0, 1], [0, 1]]})));
                end = pad;
            }
            let depthwise = shape[3] == 1;
            let config = json!({
                "kernel_size": [shape[0], shape[1]], "strides": [stride, stride], "use_bias": false,
                "padding": if stride == 2 { "valid" } else { "same" }, "activation": "linear",
            });
            layers.push(layer(if depthwise { "DepthwiseConv2D" } else { "Conv2D" }, name, &[&end], config));
            let norm = format!("{name}_BN");
            let config = json!({"epsilon": 0.001, "scale": true, "center": true});
            layers.push(layer("BatchNormalization", &norm, &[name], config));
            end.clone_from(&norm);
            if clipped {
                end = format!("{name}_relu");
                layers.push(layer("ReLU", &end, &[&norm], json!({"max_value": 6})));
            }
            if name == "block_2_project" {
                layers.push(layer("Add", "block_2_add", &["block_1_project_BN", &norm], json!({})));
                end = "block_2_add".into();
            }
            let kernel = if depthwise { "depthwise_kernel" } else { "kernel" };
            // Zero stands at byte 100: some channels reach past 127 steps from it, some don't.
            weights.push(weight(format!("{name}/{kernel}"), &shape, 0.01, -1.0));
            for (part, scale, min) in [
                ("gamma", 0.004, 0.3),
                ("beta", 0.01, -1.0),
                ("moving_mean", 0.01, -1.0),
                ("moving_variance", 0.02, 0.1),
            ] {
                weights.push(weight(format!("{norm}/{part}"), &[n_outputs(&shape)], scale, min));
            }
        }
        layers.push(layer("AveragePooling2D", "pool", &[&end], json!({"pool_size": [1, 1]})));
        layers.push(layer("Flatten", "flatten", &["pool"], json!({})));
        for (name, input, shape, activation) in
            [("dense_1", "flatten", [16, 6], "relu"), ("dense_2", "dense_1", [6, 5], "softmax")]
        {
            layers.push(layer("Dense", name, &[input], json!({"activation": activation, "use_bias": true})));
            weights.push(weight(format!("{name}/kernel"), &shape, 0.003, -0.3));
            weights.push(weight(format!("{name}/bias"), &shape[1..], 0.003, -0.3));
        }
        let topology = json!({"model_config": {"config": {"layers": layers}}});
        Self { topology, graph: false, weights, split: 700 }
    }

    pub fn graph() -> Self {
        let mut nodes = vec![json!({"name": "input", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": [
            {"size": "-1"}, {"size": "32"}, {"size": "32"}, {"size": "3"}]}}}})];
        let mut weights = vec![weight("twice".into(), &[], 1.0, 2.0), weight("one".into(), &[], 1.0, 1.0)];
        weights.iter_mut().for_each(|weight| weight.bytes = vec![0]);
        nodes.push(json!({"name": "mul", "op": "Mul", "input": ["twice", "input"]}));
        nodes.push(json!({"name": "sub", "op": "Sub", "input": ["mul", "one"]}));
        let mut end = "sub".to_string();
        for (name, shape, stride, clipped) in CONVOLUTIONS {
            let op = if shape[3] == 1 { "FusedDepthwiseConv2dNative" } else { "_FusedConv2D" };
            let (kernel, bias) = (format!("{name}/weights"), format!("{name}/offset"));
            let fused = if clipped { json!(["Qmlhc0FkZA==", "UmVsdTY="]) } else { json!(["Qmlhc0FkZA=="]) };
            nodes.push(json!({"name": name, "op": op, "input": [end, kernel, bias], "attr": {
                "strides": {"list": {"i": ["1", stride.to_string(), stride.to_string(), "1"]}},
                "padding": {"s": "U0FNRQ=="}, "fused_ops": {"list": {"s": fused}}}}));
            weights.push(weight(kernel, &shape, 0.01, -1.0));
            weights.push(weight(bias, &[n_outputs(&shape)], 0.01, -1.0));
            end = name.into();
            if name == "block_2_project" {
                nodes.push(json!({"name": "add", "op": "AddV2", "input": [end, "block_1_project"]}));
                end = "add".into();
            }
        }
        nodes.push(json!({"name": "pool", "op": "AvgPool", "input": [end],
            "attr": {"ksize": {"list": {"i": ["1", "1", "1", "1"]}}}}));
        nodes.push(json!({"name": "squeeze", "op": "Squeeze", "input": ["pool"]}));
        nodes.push(json!({"name": "matmul", "op": "_FusedMatMul", "input": ["squeeze", "dense", "dense_bias"],
            "attr": {"fused_ops": {"list": {"s": ["Qmlhc0FkZA=="]}}}}));
        nodes.push(json!({"name": "softmax", "op": "Softmax", "input": ["matmul"]}));
        weights.push(weight("dense".into(), &[16, 5], 0.003, -0.3));
        weights.push(weight("dense_bias".into(), &[5], 0.003, -0.3));
        Self { topology: json!({"node": nodes}), graph: true, weights, split: 1001 }
    }

    pub fn weight(&mut self, name: &str) -> &mut Weight {
        self.weights.iter_mut().find(|weight| weight.name == name).expect("the tiny package has this weight")
    }

    /// The Keras layer's config.
    pub fn layer(&mut self, name: &str) -> &mut Value {
        let layers = self.topology["model_config"]["config"]["layers"].as_array_mut().expect("layers");
        layers.iter_mut().find(|layer| layer["name"] == name).expect("the tiny package has this layer")
    }

    pub fn directory(&self) -> &'static str {
        if self.graph { "dist/models/mobilenet_v2_mid" } else { "dist/models/mobilenet_v2" }
    }

    pub fn files(&self) -> Files {
        let entries: Vec<Value> = self
            .weights
            .iter()
            .map(|weight| {
                json!({"name": weight.name, "shape": weight.shape, "dtype": "float32",
                    "quantization": {"min": weight.min, "scale": weight.scale, "dtype": "uint8"}})
            })
            .collect();
        let mut model = json!({
            "modelTopology": self.topology,
            "weightsManifest": [{"paths": ["group1-shard1of2", "group1-shard2of2"], "weights": entries}],
        });
        if self.graph {
            model["format"] = "graph-model".into();
        }
        let bytes: Vec<u8> = self.weights.iter().flat_map(|weight| weight.bytes.clone()).collect();
        let (first, second) = bytes.split_at(self.split.min(bytes.len() / 2));
        let mut files = Files::default();
        let mut add = |file: String, text: String| files.0.insert(file, text.into_bytes());
        let directory = self.directory();
        add(format!("{directory}/model.min.js"), module(&minified(&model)));
        for (i, shard) in [first, second].iter().enumerate() {
            let text = format!("\"{}\"", STANDARD.encode(shard));
            add(format!("{directory}/group1-shard{}of2.min.js", i + 1), module(&text));
        }
        add("package.json".into(), json!({"name": "nsfwjs", "version": "4.3.0"}).to_string());
        let classes = "\"use strict\";\nexports.NSFW_CLASSES = void 0;\nexports.NSFW_CLASSES = {\n    0: 'Drawing',\n    \
                       1: 'Hentai',\n    2: 'Neutral',\n    3: 'Porn',\n    4: 'Sexy'\n};\n";
        add("dist/cjs/nsfw_classes.js".into(), classes.into());
        files
    }
}

fn layer(class: &str, name: &str, inbound: &[&str], config: Value) -> Value {
    let nodes: Vec<Value> = inbound.iter().map(|input| json!([input, 0, 0, {}])).collect();
    json!({"class_name": class, "name": name, "config": config, "inbound_nodes": [nodes]})
}

/// As browserify wraps a literal.
fn module(literal: &str) -> String {
    format!(
        "!function(e){{module.exports=e()}}(function(){{return{{1:[function(e,m,o){{m.exports={literal}}},{{}}]}},{{}},[1])(1)}});"
    )
}

/// As a minifier writes a literal: bare keys, no zero before the point, `!0` and `!1`.
fn minified(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields: Vec<String> = object.iter().map(|(key, value)| format!("{key}:{}", minified(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(minified).collect::<Vec<_>>().join(",")),
        Value::Bool(value) => if *value { "!0" } else { "!1" }.into(),
        Value::Number(number) => number.to_string().replace("0.", ".").replace("-0.", "-."),
        other => other.to_string(),
    }
}

pub fn pack(package: &Package) -> Result<Vec<u8>, PackError> {
    pack_files(&package.files(), package.graph)
}

pub fn pack_files(files: &Files, graph: bool) -> Result<Vec<u8>, PackError> {
    let model = if graph { Model::MobilenetV2Mid } else { Model::MobilenetV2 };
    let import = Import { name: "tiny".into() };
    run(nsfwjs::pack(files, model, &import, Cursor::new(Vec::new()), |_| {})).map(Cursor::into_inner)
}
