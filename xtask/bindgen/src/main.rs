//! Makes the JavaScript side of a compiled wasm module: `bindgen IN.wasm OUT_DIR NAME`.
//! A crate of its own, so that `xtask` stays quick to start. Its version must equal wasm-bindgen's in Cargo.toml.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out_dir, name] = arguments.as_slice() else {
        eprintln!("usage: bindgen IN.wasm OUT_DIR NAME");
        std::process::exit(2);
    };
    let made = wasm_bindgen_cli_support::Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)
        // The reset function lets background.js start a fresh instance after a trap.
        .and_then(|bindgen| {
            // Names and producers are for debuggers.
            bindgen.remove_name_section(true).remove_producers_section(true);
            bindgen.typescript(false).omit_default_module_path(true).reset_state_function(true).generate(out_dir)
        });
    if let Err(error) = made {
        eprintln!("bindgen: {input}: {error:#}");
        std::process::exit(1);
    }
}
