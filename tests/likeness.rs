//! The packaged pictures are known again when they were made smaller, trimmed and stored anew, and none is taken for another.

use std::process::Command;

#[test]
fn near_duplicates_are_known_again_and_no_other_picture_is() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evaluation/pictures");
    let out = Command::new(env!("CARGO_BIN_EXE_sotto")).args(["eval", "--likeness", folder]).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let known: Vec<f64> = said
        .lines()
        .filter_map(|line| line.split_once("known again ")?.1.split_once('(')?.1.split_once(" %")?.0.parse().ok())
        .collect();
    assert_eq!(known.len(), 6, "{said}");
    assert!(known.iter().all(|&share| share >= 95.0), "{said}");
    assert!(said.contains("6006 pairs, taken for another: 0"), "{said}");
}
