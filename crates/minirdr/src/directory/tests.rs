use nt::Status;
use proptest::prelude::*;

use super::endless::Cookies;

/// How many runs of this listing are taken before it is seen to go round.
fn runs(cookies: impl Iterator<Item = u64>) -> Option<usize> {
    let mut listing = Cookies::default();
    for (run, cookie) in cookies.enumerate() {
        if let Err(status) = listing.advance(cookie) {
            assert_eq!(status, Status::INVALID_NETWORK_RESPONSE);
            return Some(run);
        }
        assert_eq!(listing.next(), cookie);
    }
    None
}

#[test]
fn a_cookie_that_stands_still_is_seen_at_once() {
    assert_eq!(runs([5, 5].into_iter()), Some(1));
    assert_eq!(runs([0].into_iter()), Some(0), "back to the beginning");
    assert_eq!(runs([1, 2, 1, 2].into_iter().cycle().take(100)), Some(3));
}

#[test]
fn a_listing_of_ever_new_cookies_ends() {
    const MOST: u64 = 1 << 24;
    assert_eq!(runs(1..=MOST), None);
    assert_eq!(runs(1..), Some(MOST as usize));
}

testserver::properties! {
    #[test]
    fn a_listing_that_goes_round_is_seen_within_three_rounds(before in 0_u64..200, round in 1_u64..200) {
        let cookies = (1..=before).chain((before + 1..=before + round).cycle());
        let limit = before.max(round) * 2 + round * 2 + 2;
        let seen = runs(cookies.take(4000));
        prop_assert!(seen.is_some_and(|seen| seen as u64 <= before + limit), "{:?}", seen);
    }

    #[test]
    fn a_listing_that_ends_is_never_taken_for_one_that_does_not(seed: u64, len in 0_u64..3000) {
        // Cookies in no order, none twice, none 0.
        let cookies = (1..=len).map(|run| run.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed);
        let distinct = cookies.clone().all(|cookie| cookie != 0);
        prop_assume!(distinct);
        prop_assert_eq!(runs(cookies), None);
    }
}
