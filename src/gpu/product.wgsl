//# with packed_4x8_integer_dot_product
requires packed_4x8_integer_dot_product;

fn dot_of_four(weights: u32, values: u32) -> i32 {
    return dot4I8Packed(weights, values);
}
//# without it
fn dot_of_four(weights: u32, values: u32) -> i32 {
    let sixteens = (vec4<u32>(weights) >> vec4(0u, 8u, 16u, 24u)) & vec4(15u);
    let bytes = (vec4<i32>(bitcast<i32>(values)) << vec4(24u, 16u, 8u, 0u)) >> vec4(24u);
    return dot(vec4<i32>(sixteens), bytes);
}
//# with or without
// 64 rows by 64 columns for 256 invocations, each four by four; one group of 32 inputs at a time through the workgroup's
// memory, of which it takes 4.5 KB. How rows and weights lie says src/gpu/mod.rs.
struct Shape { n_rows: u32, n_groups: u32, n_out: u32 }

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<i32>;

// By steps of four inputs, then by fours of rows or columns: a word is one row's or column's four inputs.
var<workgroup> values: array<array<vec4<u32>, 16>, 8>;
var<workgroup> sixteens: array<array<vec4<u32>, 16>, 8>;
var<workgroup> starts: array<vec4<i32>, 16>;
var<workgroup> multipliers: array<vec4<i32>, 16>;

// Word `piece` of four rows' group: a step's inputs, or behind the eight steps what their sums start from.
fn bring_rows(four: u32, four_in_tile: u32, group: u32, piece: u32) {
    var words = vec4(0u);
    if four * 4u < shape.n_rows {
        let at = (four * shape.n_groups + group) * 40u + piece;
        words = vec4(rows[at], rows[at + 10u], rows[at + 20u], rows[at + 30u]);
    }
    if piece < 8u {
        values[piece][four_in_tile] = words;
    } else {
        starts[four_in_tile] = bitcast<vec4<i32>>(words);
    }
}

// Sixteen bytes of eight columns' group: their multipliers, and behind these the steps, two columns' inputs in a word.
fn bring_weights(eight: u32, eight_in_tile: u32, group: u32, piece: u32) {
    var words = vec4(0u);
    if eight * 8u < shape.n_out {
        words = weights[(eight * shape.n_groups + group) * 9u + piece];
    }
    let four = eight_in_tile * 2u;
    if piece == 0u {
        let even = (bitcast<vec4<i32>>(words) << vec4(16u)) >> vec4(16u);
        let odd = bitcast<vec4<i32>>(words) >> vec4(16u);
        multipliers[four] = vec4(even.x, odd.x, even.y, odd.y);
        multipliers[four + 1u] = vec4(even.z, odd.z, even.w, odd.w);
    } else {
        sixteens[piece - 1u][four] = words & vec4(0x0f0f0f0fu);
        sixteens[piece - 1u][four + 1u] = (words >> vec4(4u)) & vec4(0x0f0f0f0fu);
    }
}

fn dots(weights: vec4<u32>, values: u32) -> vec4<i32> {
    return vec4(dot_of_four(weights.x, values), dot_of_four(weights.y, values),
        dot_of_four(weights.z, values), dot_of_four(weights.w, values));
}

fn put(row: u32, column: u32, four: vec4<i32>) {
    if row < shape.n_rows {
        for (var index = 0u; index < 4u && column + index < shape.n_out; index++) {
            sums[row * shape.n_out + column + index] = four[index];
        }
    }
}

@compute @workgroup_size(16, 16)
fn product(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_id) place: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    var first = vec4(0);
    var second = vec4(0);
    var third = vec4(0);
    var fourth = vec4(0);
    for (var group = 0u; group < shape.n_groups; group++) {
        // 16 fours of rows and 8 eights of columns, nine pieces each: one for almost every invocation.
        if index < 144u {
            bring_rows(tile.y * 16u + index / 9u, index / 9u, group, index % 9u);
        } else if index < 216u {
            let rest = index - 144u;
            bring_weights(tile.x * 8u + rest / 9u, rest / 9u, group, rest % 9u);
        }
        workgroupBarrier();
        let start = starts[place.y];
        var of_first = vec4(start.x);
        var of_second = vec4(start.y);
        var of_third = vec4(start.z);
        var of_fourth = vec4(start.w);
        for (var step = 0u; step < 8u; step++) {
            let columns = sixteens[step][place.x];
            let inputs = values[step][place.y];
            of_first += dots(columns, inputs.x);
            of_second += dots(columns, inputs.y);
            of_third += dots(columns, inputs.z);
            of_fourth += dots(columns, inputs.w);
        }
        let scales = multipliers[place.x];
        first += of_first * scales;
        second += of_second * scales;
        third += of_third * scales;
        fourth += of_fourth * scales;
        workgroupBarrier();
    }
    let row = (tile.y * 16u + place.y) * 4u;
    let column = (tile.x * 16u + place.x) * 4u;
    put(row, column, first);
    put(row + 1u, column, second);
    put(row + 2u, column, third);
    put(row + 3u, column, fourth);
}
