//! Model files: no bytes may panic or take more memory than is allowed (`-rss_limit_mb`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use sourdine::Model;

fuzz_target!(|data: &[u8]| {
    if let Err(error) = Model::from_bytes("fuzz", data) {
        assert!(!error.to_string().is_empty());
    }
});
