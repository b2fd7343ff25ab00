//! `include/sourdine.h` is what cbindgen makes of the sources. To make it anew after a change:
//! `SOURDINE_BLESS=1 cargo test -p sourdine-capi --test header`
#![allow(clippy::unwrap_used)] // A test may.

use std::path::Path;

#[test]
fn the_header_is_current() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    let mut made = Vec::new();
    cbindgen::Builder::new().with_crate(package).with_config(config).generate().unwrap().write(&mut made);
    // Rust's word for what the caller promises about pointers is none of C's.
    let made = String::from_utf8(made).unwrap().replace(" * # Safety\n * ", " * Pointers: ");
    let path = package.join("include/sourdine.h");
    if std::env::var_os("SOURDINE_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let differs = committed.lines().zip(made.lines()).find(|(committed, made)| committed != made);
    assert!(committed == made, "include/sourdine.h is not current (see the head of this test): {differs:?}");
}
