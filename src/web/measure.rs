//! The products of the text net for 512 tokens, with made numbers, for the worker of the settings page that measures this computer
//! (extension/pages/measurer.js): on its processor by the kernel that the net uses, or handed over to its graphics processor. No
//! net runs on a graphics processor. It knows no clock, and must never keep anything.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::{
    gpu::{self, Product, made},
    kernels::{self, FourBitWeights, PanelRoom, RowsI8, fast, random::Random},
};

const N_TOKENS: usize = 512;
const WIDTH: usize = 768;
const WIDER: usize = 3072;
/// Inputs and outputs of a layer's products: query, key, value and what becomes of them; out to the wider, and back.
const LAYER: [[usize; 2]; 6] =
    [[WIDTH, WIDTH], [WIDTH, WIDTH], [WIDTH, WIDTH], [WIDTH, WIDTH], [WIDTH, WIDER], [WIDER, WIDTH]];
const N_LAYERS: usize = 6;

#[wasm_bindgen]
extern "C" {
    /// What extension/gpu.js opens.
    pub type Gpu;
    #[wasm_bindgen(method)]
    fn upload(this: &Gpu, bytes: &[u8]) -> JsValue;
    #[wasm_bindgen(method)]
    fn room(this: &Gpu, n_bytes: usize) -> JsValue;
    #[wasm_bindgen(method)]
    fn product(
        this: &Gpu,
        shape: &[u32],
        workgroups: &[u32],
        rows: &JsValue,
        weights: &JsValue,
        sums: &JsValue,
    ) -> JsValue;
}

/// Weights of all layers, and the rows that their products read: narrow ones and wide ones.
#[wasm_bindgen]
pub struct Products {
    rows: [RowsI8; 2],
    weights: Vec<FourBitWeights>,
    room: PanelRoom,
    numbers: Vec<f32>,
}

#[wasm_bindgen]
impl Products {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        let mut random = Random(512);
        let rows = [WIDTH, WIDER].map(|n_in| made::rows(N_TOKENS, n_in, &mut random));
        let mut weights = Vec::with_capacity(N_LAYERS * LAYER.len());
        for [n_in, n_out] in [LAYER; N_LAYERS].as_flattened() {
            weights.push(made::weights(*n_out, *n_in, &mut random));
        }
        Self { rows, weights, room: PanelRoom::default(), numbers: vec![0.0; N_TOKENS * WIDER] }
    }

    /// Multiplications and additions of them all.
    pub fn operations(&self) -> f64 {
        // More than 32 bits hold.
        self.weights.iter().map(|weights| 2.0 * N_TOKENS as f64 * (weights.n_in() * weights.n_out()) as f64).sum()
    }

    /// By which means this processor multiplies.
    pub fn means(&self) -> String {
        means()
    }

    /// All of them, one after the other, on this processor.
    pub fn multiply(&mut self) {
        for index in 0..self.weights.len() {
            self.multiply_one(index);
        }
    }

    /// The sums of the first.
    #[wasm_bindgen(js_name = firstSums)]
    pub fn first_sums(&mut self) -> Vec<i32> {
        self.multiply_one(0).iter().map(|&number| number as i32).collect()
    }

    /// For a device's `compile`.
    pub fn program(&self, has_packed_dots: bool) -> String {
        gpu::program(has_packed_dots)
    }

    /// All of them as a device's `run` takes them: a list for each layer, so that no driver takes the whole net for a program
    /// that hangs.
    #[wasm_bindgen(js_name = handTo)]
    pub fn hand_to(&self, gpu: &Gpu) -> Array {
        let sums = gpu.room(size_of::<i32>() * N_TOKENS * WIDER);
        let rows = self.rows.each_ref().map(|rows| gpu.upload(gpu::bytes_of_rows(rows)));
        let hand_over = |weights: &FourBitWeights| {
            let which = usize::from(weights.n_in() == WIDER);
            let product = Product::new(&self.rows[which], weights);
            let weights = gpu.upload(product.weights());
            gpu.product(&product.shape(), &product.workgroups(), &rows[which], &weights, &sums)
        };
        self.weights.chunks(LAYER.len()).map(|layer| layer.iter().map(hand_over).collect::<Array>()).collect()
    }
}

/// By which means this processor multiplies, in this flavour.
pub fn means() -> String {
    let mut means = kernels::flavour().to_owned();
    means.push_str(", ");
    means.push_str(fast::path());
    means
}

impl Products {
    fn multiply_one(&mut self, index: usize) -> &[f32] {
        let weights = &self.weights[index];
        let product = Product::new(&self.rows[usize::from(weights.n_in() == WIDER)], weights);
        let numbers = &mut self.numbers[..product.n_sums()];
        product.multiply(&mut self.room, numbers);
        numbers
    }
}

impl Default for Products {
    fn default() -> Self {
        Self::new()
    }
}
