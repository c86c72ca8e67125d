//! The known name that a slip comes nearest to.

/// The first of the names that takes the fewest edits, case and blanks aside; empty when there are none.
pub(crate) fn nearest<'a>(slip: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let slip = folded(slip);
    known.into_iter().min_by_key(|name| edits(&slip, &folded(name))).unwrap_or_default()
}

/// Without case and blanks.
pub(crate) fn folded(name: &str) -> Vec<char> {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// How many characters must be added, dropped or replaced.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, a) in from.iter().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let cost = (diagonal + usize::from(a != b)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, cost);
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_edits() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edits(&folded(a), &folded(b)), expected, "{a} {b}");
        }
        assert_eq!(nearest("Limt", ["after", "limit"]), "limit");
        assert_eq!(nearest("anything", []), "");
    }
}
