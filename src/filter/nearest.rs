//! The names somebody may have meant.

use std::cmp::Reverse;

/// Names longer than this are not compared: nobody mistypes them, and the work grows with the square.
const MAX_CHARS: usize = 100;

/// At most three of `names` that are close to `wanted`, the closest first; case does not count.
#[must_use]
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = fold(wanted);
    if wanted.is_empty() || wanted.len() > MAX_CHARS {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, Reverse<usize>, &str)> =
        names.into_iter().filter_map(|name| rank(&wanted, name)).collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(3).map(|(_, _, name)| name).collect()
}

/// "Did you mean …?" with the nearest names, or `otherwise` when nothing is near.
#[must_use]
pub fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    let quoted: Vec<String> = nearest(wanted, names).into_iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { otherwise.to_owned() } else { format!("Did you mean {}?", quoted.join(" or ")) }
}

/// Whether one may be the other with a slip of the pen: one in eight letters at most, and one more.
#[must_use]
pub fn is_misspelt(one: &str, other: &str) -> bool {
    let (one, other) = (fold(one), fold(other));
    let longest = one.len().max(other.len());
    longest <= MAX_CHARS && distance(&one, &other) <= 1 + longest / 8
}

fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).filter(|c| !matches!(c, ' ' | '_' | '-')).collect()
}

/// Distance, then length of the common start; none when the two have too little in common.
fn rank<'a>(wanted: &[char], name: &'a str) -> Option<(usize, Reverse<usize>, &'a str)> {
    let folded = fold(name);
    if folded.len() > MAX_CHARS {
        return None;
    }
    let prefix = wanted.iter().zip(&folded).take_while(|(a, b)| a == b).count();
    let distance = distance(wanted, &folded);
    let close = distance <= 1 + wanted.len() / 4;
    let begins = wanted.len() >= 3 && prefix == wanted.len();
    (close || begins).then_some((if begins { distance.min(2) } else { distance }, Reverse(prefix), name))
}

/// How many characters must be added, dropped or replaced.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_comes_first() {
        let names = ["numberofemployees", "name", "domain", "annualrevenue", "num_notes"];
        for (wanted, found) in [
            ("numberOfEmploees", Some("numberofemployees")),
            ("nmae", None),
            ("nam", Some("name")),
            ("domian", Some("domain")),
            ("annual", Some("annualrevenue")),
            ("xyz", None),
        ] {
            let first = nearest(wanted, names).first().copied();
            if let Some(found) = found {
                assert_eq!(first, Some(found), "{wanted}");
            }
        }
        assert!(nearest("territory", names).is_empty());
    }
}
