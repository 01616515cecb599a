//! Unpacking a package's archive, from a stranger: nothing is written outside of its folder, and no link leads out of
//! it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::Error;

/// Bytes that an archive may unpack to.
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;
/// Entries that it may have.
const MOST: usize = 200_000;

/// Unpacks the gzipped tar `file` into the new folder `to`. `what` names the package in messages.
///
/// # Errors
/// It is damaged, or an entry of it would lie outside of the folder.
pub(super) fn unpack(file: &Path, to: &Path, what: &str) -> Result<(), Error> {
    let refused = |reason: String| Error::Archive { what: what.to_owned(), reason };
    fs::create_dir_all(to).map_err(Error::io("make", to))?;
    let packed = File::open(file).map_err(Error::io("read", file))?;
    let limited = MultiGzDecoder::new(io::BufReader::new(packed)).take(LARGEST + 1);
    let mut archive = Archive::new(limited);
    let mut links = Vec::new();
    let damaged = |error: io::Error| refused(format!("it is damaged or no gzipped tar: {error}"));
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if count == MOST {
            return Err(refused(format!("it has more than {MOST} entries")));
        }
        let name = entry.path().map_err(damaged)?.into_owned();
        let kind = match entry.header().entry_type() {
            // The oldest tars tell a folder by its name only.
            EntryType::Regular if entry.path_bytes().ends_with(b"/") => EntryType::Directory,
            kind => kind,
        };
        if matches!(kind, EntryType::XGlobalHeader) {
            continue;
        }
        let inside = inside(&name).ok_or_else(|| refused(format!("`{}` leads out of it", name.display())))?;
        let target = to.join(&inside);
        match kind {
            EntryType::Directory => fs::create_dir_all(&target).map_err(Error::io("make", &target))?,
            EntryType::Symlink | EntryType::Link => {
                let link = entry.link_name().map_err(damaged)?.map(std::borrow::Cow::into_owned).unwrap_or_default();
                links.push(Link { at: inside, to: link, hard: kind == EntryType::Link });
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
                }
                let mut out = File::create(&target).map_err(Error::io("write", &target))?;
                io::copy(&mut entry, &mut out).map_err(damaged)?;
            }
            _ => return Err(refused(format!("`{}` is neither a file, a folder nor a link", name.display()))),
        }
    }
    if archive.into_inner().limit() == 0 {
        return Err(refused(format!("it unpacks to more than {LARGEST} bytes")));
    }
    // Links last: no file can then be written through one.
    make_links(to, &links).map_err(refused)
}

struct Link {
    at: PathBuf,
    to: PathBuf,
    hard: bool,
}

/// The path without `.`; none when it is absolute or has a `..`.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => out.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

fn make_links(root: &Path, links: &[Link]) -> Result<(), String> {
    let outside = |link: &Link| format!("the link `{}` to `{}` leads out of it", link.at.display(), link.to.display());
    let failed = |link: &Link, error: io::Error| format!("the link `{}` cannot be made: {error}", link.at.display());
    for link in links {
        let at = root.join(&link.at);
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(link, error))?;
        }
        if link.hard {
            let from = inside(&link.to).ok_or_else(|| outside(link))?;
            let from = root.join(from);
            let is_file = from.symlink_metadata().is_ok_and(|data| data.is_file());
            // A copy: what is edited in one place does not change in another.
            fs::copy(&from, &at).map_err(|error| failed(link, error)).and(if is_file {
                Ok(())
            } else {
                Err(outside(link))
            })?;
            continue;
        }
        if !stays_inside(&link.at, &link.to) {
            return Err(outside(link));
        }
        std::os::unix::fs::symlink(&link.to, &at).map_err(|error| failed(link, error))?;
    }
    // A link by way of other links may lead out although its text does not.
    let root = root.canonicalize().map_err(|error| error.to_string())?;
    for link in links.iter().filter(|link| !link.hard) {
        let found = root.join(&link.at).canonicalize();
        if found.is_ok_and(|found| !found.starts_with(&root)) {
            return Err(outside(link));
        }
    }
    Ok(())
}

/// Whether the text of a link at `at` names something in the archive's first folder, where `at` lies.
fn stays_inside(at: &Path, to: &Path) -> bool {
    let mut depth = at.components().count().saturating_sub(1);
    for part in to.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 1 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// The project in an unpacked archive: its one folder.
pub(super) fn project(unpacked: &Path, what: &str) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(unpacked).map_err(Error::io("read", unpacked))?;
    let entries: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    match entries.as_slice() {
        [only] if only.join("dbt_project.yml").is_file() && !only.is_symlink() => Ok(only.clone()),
        [only] if only.is_dir() => Err(Error::NoProject { what: what.to_owned(), subdirectory: None }),
        _ => {
            let reason = format!("it holds {} files and folders, not the one folder of a project", entries.len());
            Err(Error::Archive { what: what.to_owned(), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, EntryType, Header};

    use super::{project, unpack};

    /// What an archive of these entries (kind, path, text or link) unpacks to.
    fn unpacked(entries: &[(EntryType, &str, &str)]) -> (tempfile::TempDir, Result<PathBuf, String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (kind, path, text) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            // Not `set_path`, which refuses what a stranger would write.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_mut_bytes()[157..157 + text.len()].copy_from_slice(text.as_bytes());
            }
            let body = if is_link { "" } else { text };
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body.as_bytes()).unwrap();
        }
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        let file = dir.path().join("a.tar.gz");
        std::fs::File::create(&file).unwrap().write_all(&bytes).unwrap();
        let to = dir.path().join("to");
        let found = unpack(&file, &to, "x/y 1.0.0").and_then(|()| project(&to, "x/y 1.0.0"));
        (dir, found.map_err(|error| error.to_string()))
    }

    const PROJECT: (EntryType, &str, &str) = (EntryType::Regular, "y-1/dbt_project.yml", "name: y\n");

    #[test]
    fn a_project_is_found_in_the_one_folder() {
        let (_dir, found) = unpacked(&[
            (EntryType::XGlobalHeader, "pax_global_header", "x"),
            (EntryType::Directory, "y-1/", ""),
            (EntryType::Regular, "y-1/models/", ""),
            PROJECT,
            (EntryType::Symlink, "y-1/models/same.yml", "../dbt_project.yml"),
            (EntryType::Link, "y-1/copy.yml", "y-1/dbt_project.yml"),
        ]);
        let found = found.unwrap();
        for file in ["dbt_project.yml", "models/same.yml", "copy.yml"] {
            assert_eq!(std::fs::read_to_string(found.join(file)).unwrap(), "name: y\n", "{file}");
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let outside = std::env::temp_dir().join("slimdiff-outside");
        for (kind, path, text) in [
            (EntryType::Regular, "../evil", "x"),
            (EntryType::Regular, "y-1/../../evil", "x"),
            (EntryType::Regular, outside.to_str().unwrap(), "x"),
            (EntryType::Symlink, "y-1/link", "/etc"),
            (EntryType::Symlink, "y-1/link", "../../etc"),
            (EntryType::Symlink, "y-1/link", "../other"),
            (EntryType::Link, "y-1/link", "/etc/passwd"),
            (EntryType::Link, "y-1/link", "../a.tar.gz"),
        ] {
            let (dir, found) = unpacked(&[PROJECT, (kind, path, text)]);
            let message = found.unwrap_err();
            assert!(message.contains("leads out of it"), "{path}: {message}");
            assert!(!dir.path().join("evil").exists() && !Path::new(&outside).exists());
        }
    }

    #[test]
    fn a_link_through_links_is_followed_before_it_is_trusted() {
        let (_dir, found) = unpacked(&[
            PROJECT,
            (EntryType::Regular, "y-1/a/b/c/file", "x"),
            (EntryType::Symlink, "y-1/deep", "a/b/c"),
            (EntryType::Symlink, "y-1/a/up", "b/c/../../.."),
            (EntryType::Symlink, "y-1/a/b/out", "../../deep/../../../../../../a.tar.gz"),
        ]);
        assert!(found.unwrap_err().contains("leads out of it"));
    }

    #[test]
    fn a_file_is_not_written_through_a_link() {
        let (dir, found) =
            unpacked(&[PROJECT, (EntryType::Symlink, "y-1/l", "."), (EntryType::Regular, "y-1/l/evil", "x")]);
        assert!(found.is_err());
        assert!(!dir.path().join("to/y-1/evil").exists());
    }

    #[test]
    fn what_is_no_archive_or_no_project_is_told() {
        let (_dir, found) = unpacked(&[(EntryType::Regular, "y-1/readme", "x")]);
        assert_eq!(found.unwrap_err(), "x/y 1.0.0 has no dbt_project.yml");
        let (_dir, found) = unpacked(&[PROJECT, (EntryType::Regular, "z/readme", "x")]);
        assert!(found.unwrap_err().contains("2 files and folders"));
        let (_dir, found) = unpacked(&[PROJECT, (EntryType::Fifo, "y-1/pipe", "")]);
        assert!(found.unwrap_err().contains("neither a file"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.tar.gz");
        std::fs::write(&file, "<html>").unwrap();
        assert!(unpack(&file, &dir.path().join("to"), "y").unwrap_err().to_string().contains("no gzipped tar"));
    }
}
