//! The hidden first line by which our comment is found again.

/// Whose comment it is, and of which run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// Tells several projects of one repository apart.
    pub(super) key: String,
    /// The commit that was checked.
    pub(super) sha: String,
    /// The run of GitHub Actions; 0 outside of it.
    pub(super) run: u64,
}

impl Marker {
    /// The line.
    pub(super) fn line(&self) -> String {
        format!("<!-- slimdiff:v1 key={} sha={} run={} -->", encode(&self.key), encode(&self.sha), self.run)
    }

    /// Reads the first line of a comment.
    pub(super) fn read(comment: &str) -> Option<Self> {
        let line = comment.lines().next()?.trim();
        let fields = line.strip_prefix("<!-- slimdiff:v1 ")?.strip_suffix(" -->")?;
        let field =
            |name: &str| fields.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('=')).map(decode);
        let run = field("run").and_then(|run| run.parse().ok()).unwrap_or_default();
        Some(Self { key: field("key")?, sha: field("sha").unwrap_or_default(), run })
    }
}

/// Nothing that ends a comment, a field or a line.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/');
    let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(encode).collect::<Vec<_>>().concat()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = if byte == b'%' { rest.clone().take(2).map(char::from).collect() } else { String::new() };
        match u8::from_str_radix(&hex, 16) {
            Ok(decoded) if hex.len() == 2 => {
                bytes.push(decoded);
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Marker;

    proptest! {
        #[test]
        fn whatever_the_key_its_marker_is_one_line_and_reads_back(key in any::<String>(), run in any::<u64>()) {
            let marker = Marker { key, sha: "0123abc".to_owned(), run };
            let line = marker.line();
            prop_assert!(!line.contains('\n') && line.matches("--").count() == 2);
            prop_assert_eq!(Marker::read(&format!("{line}\n## text")), Some(marker));
        }
    }

    #[test]
    fn only_our_own_first_line_is_a_marker() {
        let line = Marker { key: "shop".into(), sha: "abc".into(), run: 7 }.line();
        assert_eq!(line, "<!-- slimdiff:v1 key=shop sha=abc run=7 -->");
        assert_eq!(Marker::read(&format!("{line}\r\ntext")).unwrap().run, 7);
        assert_eq!(Marker::read(&format!("> {line}")), None, "a quotation is not ours");
        assert_eq!(Marker::read(&format!("text\n{line}")), None);
        assert_eq!(Marker::read(""), None);
    }
}
