//! For the build alone: writes protocol.d.ts, tables.js and managed.json (see src/protocol/declarations.rs) into the folder it is given.

use std::path::PathBuf;
use std::process::ExitCode;

use sotto::protocol::declarations::{managed, tables, typescript};

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("declare: name the folder to write into");
        return ExitCode::FAILURE;
    };
    for (name, text) in [("protocol.d.ts", typescript()), ("tables.js", tables()), ("managed.json", managed())] {
        if let Err(error) = std::fs::write(folder.join(name), text) {
            eprintln!("declare: {}: {error}", folder.join(name).display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
