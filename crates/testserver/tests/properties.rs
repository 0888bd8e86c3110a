//! A property fails when it does not hold, however it says so.

use proptest::prelude::*;

testserver::properties! {
    // What is meant to fail is not to be kept for the next time.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[should_panic = "Test failed"]
    fn what_is_refuted_fails(number in 0_u32..100) {
        prop_assert!(number < 50);
    }

    #[test]
    #[should_panic = "Test failed"]
    fn what_panics_fails(number: u8) {
        assert_ne!(number % 2, 1);
    }

    #[test]
    fn what_is_left_alone_holds(mut numbers in proptest::collection::vec(any::<u8>(), 0..9), longer: bool) {
        prop_assume!(!numbers.is_empty());
        if longer {
            return Ok(());
        }
        numbers.clear();
        prop_assert!(numbers.is_empty());
    }
}
