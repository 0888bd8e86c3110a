//! Runs `rxprocs.c`: the truth table of RxFinalizeConnection, from C.

mod c_program;

#[test]
fn the_truth_table() {
    if let Some(passed) = c_program::run("rxprocs.c", &[]) {
        assert!(passed > 250, "{passed}");
    }
}
