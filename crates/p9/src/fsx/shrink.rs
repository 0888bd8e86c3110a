//! From a long sequence that fails to a short one.

/// Looks for a short part of `sequence`, which fails at its last step, that fails as well. `fails` says at which step a
/// sequence fails, and is asked at most `tries` times.
pub(crate) fn shrink<T: Copy>(
    sequence: &[T],
    mut tries: usize,
    mut fails: impl FnMut(&[T]) -> Option<usize>,
) -> Vec<T> {
    // A sequence that fails early needs nothing of what comes behind.
    let mut attempt = |candidate: &[T]| -> Option<Vec<T>> {
        tries = tries.checked_sub(1)?;
        let step = fails(candidate)?;
        Some(candidate.iter().take(step + 1).copied().collect())
    };
    let mut found = sequence.to_vec();
    // First the tail: most of what led here has nothing to do with it.
    let mut length = 1;
    while length < sequence.len() {
        if let Some(shorter) = attempt(&sequence[sequence.len() - length..]) {
            found = shorter;
            break;
        }
        length *= 2;
    }
    // Then parts, ever smaller ones.
    let mut part = found.len() / 2;
    while part > 0 {
        let mut start = 0;
        while start < found.len() {
            let end = found.len().min(start + part);
            let without: Vec<T> = found[..start].iter().chain(&found[end..]).copied().collect();
            match attempt(&without) {
                Some(shorter) => found = shorter,
                None => start = end,
            }
        }
        part /= 2;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::shrink;

    #[test]
    fn what_does_not_matter_goes() {
        // Fails at the first 9 that comes after a 3.
        let fails = |sequence: &[i32]| {
            let three = sequence.iter().position(|&number| number == 3)?;
            let nine = sequence[three..].iter().position(|&number| number == 9)?;
            Some(three + nine)
        };
        let sequence: Vec<i32> = (0..200).map(|number| number % 8).chain([9]).collect();
        assert_eq!(shrink(&sequence, 1000, fails), [3, 9]);
        let short = shrink(&sequence, 3, fails);
        assert!(fails(&short).is_some(), "out of tries it still fails");
        assert_eq!(shrink(&[9], 10, |_| Some(0)), [9]);
    }
}
