//! Manifests that others wrote, wherever they are.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use url::Url;

use super::source::{Place, without_secrets};
use super::{Error, artifact};
use crate::artifacts;
use crate::fetch::{self, Address, Http};
use crate::model::Manifest;

/// Bytes of a manifest that was packed; the largest projects have some hundred megabytes.
pub(super) const LARGEST: u64 = 4 << 30;

/// What a fetch may look at.
pub struct Reach<'a> {
    /// The environment: proxies, and who asks.
    pub env: &'a HashMap<String, String>,
    /// Whether the run was stopped.
    pub stop: &'a dyn Fn() -> bool,
}

/// Reads the manifest at a place; a relative path begins where the command was given, else in the folder `project`.
///
/// # Errors
/// It cannot be had, or is no manifest.
pub fn read(place: &Place, project: &Path, reach: &Reach<'_>) -> Result<Manifest, Error> {
    read_file(&file(place, project), reach)
}

/// The manifest's own place, where its folder's was given.
pub(super) fn file(place: &Place, project: &Path) -> Place {
    match place {
        Place::Path(path) => Place::Path(in_folder(path, project)),
        Place::Url(url) => Place::Url(of_folder(url)),
    }
}

pub(super) fn read_file(file: &Place, reach: &Reach<'_>) -> Result<Manifest, Error> {
    match file {
        Place::Path(path) => artifacts::read_manifest(path).map_err(Error::Manifest),
        Place::Url(url) => parsed(&fetched(url, reach)?, &without_secrets(url.as_str())),
    }
}

/// A manifest's bytes, packed or not.
pub(super) fn parsed(bytes: &[u8], name: &str) -> Result<Manifest, Error> {
    let packed = bytes.starts_with(&[0x1f, 0x8b]);
    if !packed {
        return artifacts::parse_manifest(bytes, name).map_err(Error::Manifest);
    }
    let mut plain = Vec::new();
    let unpacked = GzDecoder::new(bytes).take(LARGEST).read_to_end(&mut plain);
    unpacked.map_err(|error| Error::Packed { name: name.to_owned(), why: error.to_string() })?;
    artifacts::parse_manifest(&plain, name).map_err(Error::Manifest)
}

/// The file itself: in the folder, if it is one.
fn in_folder(path: &Path, project: &Path) -> std::path::PathBuf {
    let place = if path.exists() { path.to_owned() } else { project.join(path) };
    let place = if place.exists() { place } else { path.to_owned() };
    if place.is_dir() { place.join(artifact::MANIFEST) } else { place }
}

/// The URL of the file, when that of its folder was given.
fn of_folder(url: &Url) -> Url {
    let path = url.path();
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    if extension.is_some_and(|extension| ["json", "gz"].iter().any(|known| extension.eq_ignore_ascii_case(known))) {
        return url.clone();
    }
    let mut file = url.clone();
    file.set_path(&format!("{}/{}", path.trim_end_matches('/'), artifact::MANIFEST));
    file
}

fn fetched(url: &Url, reach: &Reach<'_>) -> Result<Vec<u8>, Error> {
    if matches!(url.scheme(), "http" | "https") {
        let address = Address { value: url.to_string(), shown: without_secrets(url.as_str()) };
        return Http::new(reach.env, reach.stop).bytes(&address, Vec::new()).map_err(Error::Fetch);
    }
    fetch::object(url, reach.env, reach.stop).map_err(Error::Fetch)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;
    use std::thread;

    use super::super::Error;
    use super::{Place, Reach, of_folder, read};

    const MANIFEST: &str = r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "dbt_version": "1.11.0", "project_name": "shop"}, "nodes": {}}"#;

    /// Answers every request with the same, and tells what was asked for.
    fn server(status: &'static str, body: Vec<u8>) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).unwrap();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (address, asked)
    }

    fn fetch(url: &str, env: &[(&str, &str)]) -> Result<String, Error> {
        let env: HashMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let reach = Reach { env: &env, stop: &|| false };
        let place = Place::of(Path::new(url))?;
        read(&place, Path::new("/nowhere"), &reach).map(|manifest| manifest.metadata.project_name)
    }

    #[test]
    fn a_manifest_is_read_from_the_web_also_when_its_folder_is_named_or_it_is_packed() {
        let (address, asked) = server("200 OK", MANIFEST.into());
        assert_eq!(fetch(&format!("http://{address}/state/"), &[]).unwrap(), "shop");
        assert!(asked.join().unwrap().starts_with("GET /state/manifest.json HTTP/1.1"));

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(MANIFEST.as_bytes()).unwrap();
        let (address, asked) = server("200 OK", packed.finish().unwrap());
        assert_eq!(fetch(&format!("http://{address}/m.json.gz?sig=s3cret"), &[]).unwrap(), "shop");
        assert!(asked.join().unwrap().starts_with("GET /m.json.gz?sig=s3cret HTTP/1.1"));
    }

    #[test]
    fn an_object_is_read_from_a_store_that_the_environment_names() {
        let (address, asked) = server("200 OK", MANIFEST.into());
        let endpoint = format!("http://{address}");
        let env = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("AWS_REGION", "eu-central-1"),
            // Of something else.
            ("BUCKET", "another"),
        ];
        assert_eq!(fetch("s3://artifacts/prod", &env).unwrap(), "shop");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("GET /artifacts/prod/manifest.json HTTP/1.1"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: aws4-hmac-sha256 credential=key/"), "{asked}");
    }

    #[test]
    fn what_cannot_be_had_says_why_and_shows_no_signature() {
        let (address, _asked) = server("403 Forbidden", Vec::new());
        let error = fetch(&format!("http://user:pw@{address}/m.json?sig=s3cret"), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot fetch http://{address}/m.json: the server answered 403 Forbidden")
        );
        assert!(error.hint().unwrap().contains("token"));
        let error = fetch("ftp://example.org/manifest.json", &[]).unwrap_err();
        assert!(error.to_string().contains("`ftp` is not read"), "{error}");
        let (address, _asked) = server("200 OK", b"<html>".to_vec());
        let error = fetch(&format!("http://{address}/m.json"), &[]).unwrap_err();
        assert!(matches!(error, Error::Manifest(_)), "{error}");
    }

    #[test]
    fn the_file_is_named_where_only_its_folder_was() {
        let file = |url: &str| of_folder(&url::Url::parse(url).unwrap()).to_string();
        assert_eq!(file("s3://b/prod"), "s3://b/prod/manifest.json");
        assert_eq!(file("https://x.org"), "https://x.org/manifest.json");
        assert_eq!(file("gs://b/a/manifest-1.json"), "gs://b/a/manifest-1.json");
    }
}
