//! What a change adds and removes, line by line.

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

/// Above this many pairs of lines the middle is shown as removed and added as a whole.
const PAIRS_MAX: usize = 4_000_000;

/// Returns the difference between two texts: `-` removed, `+` added, and a few lines around.
pub(super) fn lines(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut marked = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (a, b) in common(&old, &new).into_iter().chain([(old.len(), new.len())]) {
        marked.extend(old[i..a].iter().map(|line| ('-', *line)));
        marked.extend(new[j..b].iter().map(|line| ('+', *line)));
        marked.extend(old.get(a).map(|line| (' ', *line)));
        (i, j) = (a + 1, b + 1);
    }
    let mut text = String::new();
    let mut left_out = false;
    for (index, (mark, line)) in marked.iter().enumerate() {
        let near = &marked[index.saturating_sub(AROUND)..(index + AROUND + 1).min(marked.len())];
        if near.iter().any(|(mark, _)| *mark != ' ') {
            text.push_str(&format!("{mark} {line}\n"));
            left_out = false;
        } else if !left_out {
            text.push_str("  …\n");
            left_out = true;
        }
    }
    text
}

/// Returns the places of the lines that both have, in order.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if PAIRS_MAX < old.len().saturating_mul(new.len()) {
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        return (0..same).map(|index| (index, index)).collect();
    }
    let width = new.len() + 1;
    // The length of the longest common row of lines from each pair of places on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_shown_with_what_is_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let after = "1\n2\n3\n4\n5\nx\n7\n8\ny\n";
        let expected = "  …\n  4\n  5\n- 6\n+ x\n  7\n  8\n+ y\n";
        assert_eq!(lines(before, after), expected);
        assert_eq!(lines("", "a\n"), "+ a\n");
        assert_eq!(lines("a\n", ""), "- a\n");
    }
}
