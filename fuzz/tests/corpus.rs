//! The corpus again: what was found once stays found.

use std::path::Path;

use fuzz_targets::TARGETS;

#[test]
fn every_input_of_the_corpus_is_taken() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut inputs = 0;
    for target in TARGETS {
        // Nothing at all, and what is shorter than anything.
        for length in 0..16 {
            (target.run)(&vec![0; length]);
            (target.run)(&vec![0xff; length]);
        }
        let folder = corpus.join(target.name);
        let mut known = std::collections::HashMap::new();
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let file = entry.unwrap().path();
            println!("{}", file.display());
            let input = std::fs::read(&file).unwrap();
            (target.run)(&input);
            if let Some(same) = known.insert(input, file.clone()) {
                panic!("{} and {} are the same", same.display(), file.display());
            }
            inputs += 1;
        }
    }
    println!("sweep: {inputs} inputs of {} fuzz targets again", TARGETS.len());
    assert!(inputs >= TARGETS.len(), "each target has a corpus");
}
