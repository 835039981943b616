//! Where things are, from whatever folder the command was given.

use std::path::{Path, PathBuf};

/// The top of the tree.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Cargo's target folder; everything generated but `dist/` lies below it.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// What xtask itself keeps between calls: wasm on its way into dist/, logs, stamps.
pub fn workshop() -> PathBuf {
    root().join("target/xtask")
}

pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The path as a person standing at the top of the tree would write it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Every file below `folder`, sorted, as paths relative to it with `/` between the names. Empty when it isn't there.
pub fn files_below(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        let here = folder.join(&below);
        if !here.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(here)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.file_type()?.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo refuses an older compiler and clippy what such a one lacks, of a package that says which it needs.
    #[test]
    fn every_package_says_the_same_oldest_compiler() {
        let manifests = files_below(&root()).unwrap().into_iter().filter(|file| {
            let is_ours = !["target/", "dist/", "node_modules/"].iter().any(|folder| file.contains(folder));
            is_ours && (file == "Cargo.toml" || file.ends_with("/Cargo.toml"))
        });
        let oldest = format!("rust-version = \"{}\"", env!("CARGO_PKG_RUST_VERSION"));
        let mut n_packages = 0;
        for manifest in manifests {
            let text = std::fs::read_to_string(root().join(&manifest)).unwrap();
            let says: Vec<&str> = text.lines().filter(|line| line.starts_with("rust-version")).collect();
            let is_same = |line: &&str| *line == oldest || *line == "rust-version.workspace = true";
            assert!(!says.is_empty() && says.iter().all(is_same), "{manifest} says {says:?}, must say {oldest:?}");
            n_packages += 1;
        }
        assert!(n_packages >= 5, "{n_packages} packages");
    }
}
