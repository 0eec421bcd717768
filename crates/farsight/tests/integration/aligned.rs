//! Two sequences side by side, of which one is gdb's and the other farsight's, and what of them is the same.

/// What stands at one place of both, or of one of them.
pub(crate) type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

/// Both sequences with the pairs that are worth most together; what is worth nothing is no pair.
pub(crate) fn aligned<'a, T>(theirs: &'a [T], ours: &'a [T], worth: impl Fn(&T, &T) -> usize) -> Vec<Pair<'a, T>> {
    // best[i][j]: what the pairs are worth that can be made from i and from j on.
    let mut best = vec![vec![0_usize; ours.len() + 1]; theirs.len() + 1];
    for i in (0..theirs.len()).rev() {
        for j in (0..ours.len()).rev() {
            let paired = match worth(&theirs[i], &ours[j]) {
                0 => 0,
                worth => best[i + 1][j + 1] + worth,
            };
            best[i][j] = paired.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let is_best = |i: usize, j: usize| {
        let worth = worth(&theirs[i], &ours[j]);
        worth > 0 && best[i][j] == best[i + 1][j + 1] + worth
    };
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < theirs.len() || j < ours.len() {
        match (theirs.get(i), ours.get(j)) {
            (Some(one), Some(other)) if is_best(i, j) => {
                pairs.push((Some(one), Some(other)));
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other) if other.is_none() || best[i + 1][j] >= best[i][j + 1] => {
                pairs.push((Some(one), None));
                i += 1;
            }
            (_, other) => {
                pairs.push((None, other));
                j += 1;
            }
        }
    }
    pairs
}

/// How many of a hundred.
pub(crate) fn percent(equal: usize, all: usize) -> f64 {
    100.0 * equal as f64 / all.max(1) as f64
}
