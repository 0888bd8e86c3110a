//! libFuzzer's side: which target, the environment says.
#![no_main]

use std::sync::LazyLock;

use fuzz_targets::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the target");
    fuzz_targets::target(&name).expect("there is such a target")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
