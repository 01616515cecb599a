//! `--add-package`: one more entry in packages.yml. The file's other lines, its comments among them, stay as they are.

use std::fs;
use std::path::Path;

use super::declared::{DEPENDENCIES, PACKAGES};
use super::{Error, lock};
use crate::project;
use crate::yaml::{self, Node};

/// A package to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The entry's lines without indentation; the first goes behind `- `.
    lines: Vec<String>,
    /// The key that makes it the same package as another entry, and its value.
    same: (&'static str, String),
}

/// Where a package that is added comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddFrom {
    /// `namespace/name@version`.
    Hub,
    /// `URL@revision`.
    Git,
    /// A folder.
    Local,
}

impl Addition {
    /// Reads what was typed.
    ///
    /// # Errors
    /// It names no version or revision.
    pub fn parse(text: &str, from: AddFrom) -> Result<Self, Error> {
        let wrong =
            |hint| Error::Refused { message: format!("`{text}` does not name a package with its version"), hint };
        match from {
            AddFrom::Local => Ok(Self::new("local", text, &[])),
            AddFrom::Git => {
                // The `@` of `git@host:…` is none before a revision.
                let found = text.rsplit_once('@').filter(|(_, revision)| !revision.contains([':', '/']));
                let (url, revision) = found.unwrap_or((text, ""));
                if revision.is_empty() {
                    return Err(wrong("write URL@REVISION, e.g. https://example.org/package.git@v1.0"));
                }
                Ok(Self::new("git", url, &[format!("revision: {}", lock::scalar(revision))]))
            }
            AddFrom::Hub => {
                let hint = "write NAMESPACE/NAME@VERSION, e.g. dbt-labs/dbt_utils@1.3.0";
                let (name, version) = text.split_once('@').ok_or_else(|| wrong(hint))?;
                let versions: Vec<&str> = version.split(',').map(str::trim).collect();
                if !name.contains('/')
                    || versions.iter().any(|text| text.parse::<super::version::Requirement>().is_err())
                {
                    return Err(wrong(hint));
                }
                let version = match versions.as_slice() {
                    [only] => format!("version: {}", lock::scalar(only)),
                    many => {
                        let quoted: Vec<String> = many.iter().map(|version| format!("\"{version}\"")).collect();
                        format!("version: [{}]", quoted.join(", "))
                    }
                };
                Ok(Self::new("package", name, &[version]))
            }
        }
    }

    fn new(key: &'static str, value: &str, others: &[String]) -> Self {
        let lines = std::iter::once(format!("{key}: {}", lock::scalar(value))).chain(others.iter().cloned());
        Self { lines: lines.collect(), same: (key, value.to_owned()) }
    }

    /// Writes the entry into the project's packages.yml, instead of one for the same package.
    pub(super) fn write(&self, root: &Path) -> Result<(), Error> {
        let has_packages = |name: &str| {
            let text = fs::read_to_string(root.join(name)).unwrap_or_default();
            yaml::parse(&text).is_ok_and(|parsed| parsed.root.get("packages").is_some_and(|list| !list.is_null()))
        };
        let file = if has_packages(DEPENDENCIES) && !has_packages(PACKAGES) { DEPENDENCIES } else { PACKAGES };
        let path = root.join(file);
        let text =
            if path.is_file() { fs::read_to_string(&path).map_err(Error::io("read", &path))? } else { String::new() };
        let added = self.add_to(&text, file)?;
        lock::write(&path, &added)
    }

    fn add_to(&self, text: &str, file: &str) -> Result<String, Error> {
        let parsed = yaml::parse(text).map_err(|error| project::Error::invalid(error.into_diagnostic(file)))?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let list = parsed.root.get("packages");
        let items = list.and_then(Node::as_sequence).unwrap_or_default();
        let Some(first) = items.first() else {
            let is_empty = list.is_none_or(|list| list.is_null() || list.as_sequence().is_some());
            let by_hand = || Error::Refused {
                message: format!("{file} cannot be added to"),
                hint: "`packages:` takes a list; write the entry by hand",
            };
            let key =
                parsed.root.as_mapping().and_then(|mapping| mapping.entry("packages")).map(|entry| entry.key_line);
            match key.map(|line| line as usize - 1) {
                _ if !is_empty => return Err(by_hand()),
                Some(at) => {
                    let line = lines.get_mut(at).filter(|line| line.starts_with("packages:")).ok_or_else(by_hand)?;
                    "packages:".clone_into(line);
                    let rest = lines.split_off(at + 1);
                    lines.extend(self.indented(2).into_iter().chain(rest));
                }
                None => {
                    lines.push("packages:".to_owned());
                    lines.extend(self.indented(2));
                }
            }
            return Ok(lines.join("\n") + "\n");
        };
        let dash = |line: usize| lines.get(line).map(|line| line.len() - line.trim_start().len());
        let starts: Vec<usize> = items.iter().map(|item| item.line as usize - 1).collect();
        let indent =
            dash(starts[0]).filter(|_| lines[starts[0]].trim_start().starts_with('-') && first.as_mapping().is_some());
        let Some(indent) = indent else {
            let message = format!("{file} lists its packages in one line, which `--add-package` does not edit");
            return Err(Error::Refused { message, hint: "write one entry a line, or add the package by hand" });
        };
        let (key, value) = &self.same;
        let same = items.iter().position(|item| item.get(key).and_then(Node::as_str) == Some(value));
        let at = same.unwrap_or(items.len() - 1);
        let end = end_of(&lines, starts[at], indent);
        let from = if same.is_some() { starts[at] } else { end };
        lines.splice(from..end, self.indented(indent));
        Ok(lines.join("\n") + "\n")
    }

    fn indented(&self, indent: usize) -> Vec<String> {
        let lead = " ".repeat(indent);
        let line = |(at, line): (usize, &String)| format!("{lead}{} {line}", if at == 0 { "-" } else { " " });
        self.lines.iter().enumerate().map(line).collect()
    }
}

/// The line after the last one of the entry that begins at `start` with a dash at `indent`.
fn end_of(lines: &[String], start: usize, indent: usize) -> usize {
    let mut end = start + 1;
    for (at, line) in lines.iter().enumerate().skip(start + 1) {
        let text = line.trim_start();
        if line.len() - text.len() <= indent && !text.is_empty() && !text.starts_with('#') {
            break;
        }
        if line.len() - text.len() > indent && !text.is_empty() {
            end = at + 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{AddFrom, Addition};

    fn added(to: &str, package: &str, from: AddFrom) -> String {
        Addition::parse(package, from).unwrap().add_to(to, "packages.yml").unwrap()
    }

    #[test]
    fn an_entry_is_added_behind_the_last_and_comments_stay() {
        let text = "# ours\npackages:\n  - package: a/b   # why\n    version: 1.0.0\n\n  # theirs\n  - local: ../x\n\nother: 1\n";
        assert_eq!(
            added(text, "c/d@2.0.0", AddFrom::Hub),
            "# ours\npackages:\n  - package: a/b   # why\n    version: 1.0.0\n\n  # theirs\n  - local: ../x\n  - package: c/d\n    \
             version: 2.0.0\n\nother: 1\n"
        );
        assert_eq!(
            added("packages:\n- local: x\n", "git@host.org:a/b.git@v1", AddFrom::Git),
            "packages:\n- local: x\n- git: git@host.org:a/b.git\n  revision: v1\n"
        );
    }

    #[test]
    fn an_entry_for_the_same_package_is_replaced() {
        let text = "packages:\n  - package: a/b\n    version: 1.0.0\n  - local: x\n";
        assert_eq!(
            added(text, "a/b@>=1.1.0,<2.0.0", AddFrom::Hub),
            "packages:\n  - package: a/b\n    version: [\">=1.1.0\", \"<2.0.0\"]\n  - local: x\n"
        );
    }

    #[test]
    fn a_file_without_packages_gets_its_first() {
        for text in ["", "packages:\n", "packages: []\n"] {
            assert_eq!(added(text, "../x", AddFrom::Local), "packages:\n  - local: ../x\n");
        }
    }

    #[test]
    fn what_names_no_version_and_a_list_in_one_line_are_refused() {
        for (text, from) in
            [("a/b", AddFrom::Hub), ("a@1.0.0", AddFrom::Hub), ("a/b@1", AddFrom::Hub), ("git@x:y", AddFrom::Git)]
        {
            assert!(Addition::parse(text, from).is_err(), "{text}");
        }
        let one_line = Addition::parse("x", AddFrom::Local).unwrap().add_to("packages: [{local: y}]\n", "packages.yml");
        assert!(one_line.unwrap_err().to_string().contains("in one line"));
    }
}
