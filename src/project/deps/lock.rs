//! package-lock.yml, as dbt writes it: what each package resolved to, and a hash of what was declared.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sha1::{Digest, Sha1};

use super::Error;
use super::declared::Declared;
use super::resolve::{Pinned, Source};
use crate::model::python_json;
use crate::yaml::{self, Node};

/// Its name.
pub(super) const FILE: &str = "package-lock.yml";

/// The hash of what is declared, the same as dbt's: entries as sorted JSON, one a line, in the order of their text.
pub(super) fn hash(declared: &[Declared]) -> String {
    let mut lines: Vec<String> = declared.iter().map(|package| python_json(&package.hashed, true)).collect();
    lines.sort_unstable();
    format!("{:x}", Sha1::digest(lines.join("\n")))
}

/// The text of a lock file. Keys are sorted; URLs stay as they were written, so that no secret gets into it.
pub(super) fn text(pinned: &[Pinned], hash: &str) -> String {
    let mut out = "packages:\n".to_owned();
    if pinned.is_empty() {
        "packages: []\n".clone_into(&mut out);
    }
    for package in pinned {
        for (at, (key, value)) in entry(package).into_iter().enumerate() {
            let lead = if at == 0 { "-" } else { " " };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {lead} {key}: {}", scalar(&value));
        }
    }
    let _ = writeln!(out, "sha1_hash: {}", scalar(hash));
    out
}

fn entry(package: &Pinned) -> Vec<(&'static str, String)> {
    let name = ("name", package.name.clone());
    match &package.source {
        Source::Local { path } => vec![("local", path.clone()), name],
        Source::Git { url, revision, subdirectory } => {
            let mut entry = vec![("git", url.shown.clone()), name, ("revision", revision.clone())];
            entry.extend(subdirectory.clone().map(|path| ("subdirectory", path)));
            entry
        }
        Source::Tarball { url } => vec![name, ("tarball", url.shown.clone())],
        Source::Hub { package, version, .. } => vec![name, ("package", package.clone()), ("version", version.clone())],
    }
}

/// Writes the file in one step: a reader sees the former one or this one.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".package-lock-").tempfile_in(parent);
    let temporary = temporary.map_err(Error::io("write", path))?;
    fs::write(temporary.path(), text).map_err(Error::io("write", path))?;
    set_readable(temporary.path());
    temporary.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    Ok(())
}

/// Temporary files are for their owner only; a lock file is committed and read by all.
fn set_readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Should it fail, the file is still of use to its owner.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o644));
}

/// A text as YAML: plain where it reads back as the same text, else quoted.
pub(super) fn scalar(text: &str) -> String {
    let printable = |c: char| matches!(c, ' '..='~');
    if !text.chars().all(printable) {
        let escaped = text.chars().map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if printable(c) => c.to_string(),
            c if (c as u32) < 0x100 => format!("\\x{:02X}", c as u32),
            c if (c as u32) < 0x1_0000 => format!("\\u{:04X}", c as u32),
            c => format!("\\U{:08X}", c as u32),
        });
        return format!("\"{}\"", escaped.collect::<String>());
    }
    let reads_back = yaml::parse(&format!("k: {text}\n")).is_ok_and(|parsed| {
        parsed.root.get("k").and_then(Node::as_str) == Some(text) && parsed.root.get("k").is_some()
    });
    if reads_back && !text.starts_with(['"', '\'']) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::declared;
    use super::{hash, scalar};
    use crate::jinja::{Env, YamlScope};

    fn hash_of(packages: &str, env: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("packages.yml"), packages).unwrap();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let scope = YamlScope { env: Env(std::sync::Arc::new(env)), allow_secrets: true, ..YamlScope::default() };
        hash(&declared::read(dir.path(), &scope, "").unwrap().packages)
    }

    /// Hashes that dbt-core 1.11.16 wrote for these packages.
    #[test]
    fn the_hash_is_dbts() {
        let utils = "packages:\n  - package: acme/utils\n    version: 1.0.0\n";
        assert_eq!(hash_of(utils, &[]), "e0452c836275a3340a9d264927f1fdfd66b7971d");
        assert_eq!(hash_of("packages:\n  - local: ../lp\n", &[]), "d5643363913c555cebee503949d98b2eb56be0a4");
        let git = "packages:\n  - git: /tmp/dx/gitpkg\n";
        assert_eq!(hash_of(git, &[]), "ae19c72bc4745bf673b803dede6b7e8228353d36");
        let git = "packages:\n  - git: /tmp/dx/gitpkg\n    revision: main\n    warn-unpinned: false\n";
        assert_eq!(hash_of(git, &[]), "7ff3f7ac43ca33bb372512aca87eaff2f6b20343");
        let all = "packages:\n  - package: acme/utils\n    version: [\">=1.0.0\", \"<2.0.0\"]\n  - local: ../lp\n  \
                   - git: /tmp/dx/gitpkg\n    revision: v1\n  - git: file:///tmp/dx/gitpkg\n    revision: feature\n    \
                   subdirectory: sub/deep\n  - tarball: http://127.0.0.1:8991/dl/acme/tarred/1.0.0.tar.gz\n    name: tarred\n";
        assert_eq!(hash_of(all, &[]), "e638b0dc6bf1c600004a9e0cd47aabdcbd6beb17");
        let prerelease = "packages:\n  - package: \"acme/{{ 'ut' ~ 'ils' }}\"\n    version: \"=1.0.0\"\n  - package: acme/v\n    \
                          version: [\">=1.0.0\"]\n    install_prerelease: true\n";
        assert_eq!(hash_of(prerelease, &[]), "beb4152127658ed4fa66f0825ca0cd5bafb2d948");
        let rendered = "packages:\n  - git: \"/tmp/dx/{{ env_var('GITP') }}\"\n    revision: v1\n  - tarball: \
                        \"http://127.0.0.1:8991/dl/acme/{{ env_var('DBT_ENV_SECRET_TOK') }}/1.0.0.tar.gz\"\n    name: tarred\n  \
                        - local: \"../{{ var('lp', 'lp') }}\"\n";
        let env = [("GITP", "gitpkg"), ("DBT_ENV_SECRET_TOK", "s3cr3t-tok")];
        assert_eq!(hash_of(rendered, &env), "8fd2e484c5301376cbbeedd1af9cc54b13177bc4");
    }

    #[test]
    fn a_text_is_quoted_where_yaml_would_read_something_else() {
        for plain in ["utils", "1.10.0", "../lp", "https://x.org/a.git", "acme/utils", "1.0.1+build5"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["1.10", "1", "true", "null", "", " x", "- a", "a: b", "a #b", "{{ x }}", "2024-01-01", "~", "*x"]
        {
            assert_eq!(scalar(quoted), format!("'{quoted}'"));
        }
        assert_eq!(scalar("{{ env_var('X') }}/y"), "'{{ env_var(''X'') }}/y'");
        assert_eq!(scalar("ünï\n\"x"), "\"\\xFCn\\xEF\\x0A\\\"x\"");
    }

    #[test]
    fn a_file_that_is_not_there_is_no_lock() {
        let scope = YamlScope::default();
        assert!(declared::read_lock(Path::new("/nowhere/package-lock.yml"), "x", &scope).unwrap().is_none());
    }
}
