//! Fits blocks of text into a budget: whole blocks give way to their shorter forms, nothing is cut inside.

/// How long the text may be, in bytes. GitHub refuses comments over 65,536 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most bytes of UTF-8.
    pub bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 60_000 }
    }
}

/// A part of the text, with ever shorter forms.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// What a reader misses when a shorter form is shown, e.g. `examples of orders`; none when nothing is missed.
    pub(super) what: &'static str,
    /// From the whole to the shortest; never empty. An empty text leaves the block out.
    pub(super) forms: Vec<String>,
    /// Blocks of a lower weight are shortened first.
    pub(super) weight: u8,
}

impl Block {
    /// A block that is always shown.
    pub(super) fn fixed(text: String) -> Self {
        Self { what: "", forms: vec![text], weight: u8::MAX }
    }
}

/// Joins blocks by blank lines, in their order, shortened until they fit. `note` writes the line that says what was
/// left out; it is put before the last block.
pub(super) fn fit(blocks: &[Block], budget: Budget, note: impl Fn(&[&'static str]) -> String) -> String {
    let mut chosen = vec![0; blocks.len()];
    loop {
        let text = join(blocks, &chosen, &note);
        if text.len() <= budget.bytes {
            return text;
        }
        if !shorten(blocks, &mut chosen, text.len() - budget.bytes) {
            return first_lines(&text, budget.bytes);
        }
    }
}

/// Shortens as many blocks as `excess` needs, the least important first, later ones before earlier ones, each by one
/// form before any by two. False when every block is at its shortest.
fn shorten(blocks: &[Block], chosen: &mut [usize], mut excess: usize) -> bool {
    let mut any = false;
    while excess > 0 {
        let candidates = (0..blocks.len()).filter(|&at| chosen[at] + 1 < blocks[at].forms.len());
        let Some(at) = candidates.min_by_key(|&at| (blocks[at].weight, chosen[at], usize::MAX - at)) else { break };
        let before = blocks[at].forms[chosen[at]].len();
        chosen[at] += 1;
        excess = excess.saturating_sub(before.saturating_sub(blocks[at].forms[chosen[at]].len()));
        any = true;
    }
    any
}

fn join(blocks: &[Block], chosen: &[usize], note: &impl Fn(&[&'static str]) -> String) -> String {
    let mut left_out: Vec<&'static str> = Vec::new();
    for (block, &form) in blocks.iter().zip(chosen) {
        if form > 0 && !left_out.contains(&block.what) {
            left_out.push(block.what);
        }
    }
    let mut parts: Vec<&str> = blocks.iter().zip(chosen).map(|(block, &form)| block.forms[form].as_str()).collect();
    let line = if left_out.is_empty() { String::new() } else { note(&left_out) };
    parts.insert(parts.len().saturating_sub(1), &line);
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

/// The last resort, for a budget below the shortest forms: whole lines only.
fn first_lines(text: &str, bytes: usize) -> String {
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if kept.len() + line.len() > bytes {
            break;
        }
        kept.push_str(line);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Block, Budget, fit};

    fn block(what: &'static str, weight: u8, forms: &[&str]) -> Block {
        Block { what, weight, forms: forms.iter().map(|&form| form.to_owned()).collect() }
    }

    fn note(left_out: &[&'static str]) -> String {
        format!("left out: {}", left_out.join(", "))
    }

    #[test]
    fn all_is_shown_when_it_fits() {
        let blocks =
            [Block::fixed("head".into()), block("rows", 1, &["many rows", "few"]), Block::fixed("foot".into())];
        assert_eq!(fit(&blocks, Budget::default(), note), "head\n\nmany rows\n\nfoot\n");
    }

    #[test]
    fn the_least_important_block_gives_way_first_and_it_is_said() {
        let long = "x".repeat(100);
        let blocks = [
            Block::fixed("head".into()),
            block("table", 9, &[&long, "short table"]),
            block("examples", 1, &[&long, ""]),
            Block::fixed("foot".into()),
        ];
        let text = fit(&blocks, Budget { bytes: 180 }, note);
        assert_eq!(text, format!("head\n\n{long}\n\nleft out: examples\n\nfoot\n"));
        let text = fit(&blocks, Budget { bytes: 60 }, note);
        assert_eq!(text, "head\n\nshort table\n\nleft out: table, examples\n\nfoot\n");
    }

    #[test]
    fn of_equal_blocks_the_later_ones_give_way_first() {
        let long = "x".repeat(50);
        let blocks = [block("a", 1, &[&long, "a", ""]), block("b", 1, &[&long, "b", ""])];
        let text = fit(&blocks, Budget { bytes: 75 }, |_| String::new());
        assert_eq!(text, format!("{long}\n\nb\n"));
    }

    #[test]
    fn whole_lines_are_kept_when_nothing_fits() {
        let blocks = [Block::fixed("one\ntwo\nthree".into())];
        assert_eq!(fit(&blocks, Budget { bytes: 9 }, note), "one\ntwo\n");
    }
}
