//! One object of a cloud's store: Amazon S3, Google Cloud Storage, Azure Blob Storage, and what speaks like them.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use object_store::{Error as StoreError, ObjectStoreExt};
use url::Url;

use super::Error;
use super::http::NETWORK;
use super::wait::wait;

/// Schemes of URLs that lead to a store, with the word that the variables of its account begin with.
const STORES: [(&str, &str); 8] = [
    ("s3", "AWS_"),
    ("s3a", "AWS_"),
    ("gs", "GOOGLE_"),
    ("az", "AZURE_"),
    ("azure", "AZURE_"),
    ("abfs", "AZURE_"),
    ("abfss", "AZURE_"),
    ("adl", "AZURE_"),
];

/// For one object, all tries included.
const WHOLE: Duration = Duration::from_secs(300);

/// The schemes of URLs that [`object`] reads.
pub fn schemes() -> impl Iterator<Item = &'static str> {
    STORES.iter().map(|(scheme, _)| *scheme)
}

/// The bytes of an object. Who asks, and where the store is, is said by the variables of `env` that the cloud's own
/// tools read, e.g. `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`,
/// `AZURE_STORAGE_ACCOUNT_NAME`.
///
/// # Errors
/// There is no such object, it may not be read, or the run was stopped.
#[expect(clippy::implicit_hasher, reason = "the environment has one type throughout")]
pub fn object(url: &Url, env: &HashMap<String, String>, stop: &dyn Fn() -> bool) -> Result<Vec<u8>, Error> {
    let options = options(url.scheme(), env);
    let (sender, answer) = mpsc::channel();
    let wanted = url.clone();
    // In a thread of its own, with a runtime of its own: whoever asks may be inside of one or not.
    thread::spawn(move || sender.send(read(&wanted, options)));
    let failed = |(reason, hint)| Error::Failed { url: url.to_string(), reason, hint };
    match wait(&answer, Some(WHOLE), stop)? {
        Some(read) => read.map_err(failed),
        None => Err(failed((format!("there was no answer for {} s", WHOLE.as_secs()), NETWORK))),
    }
}

type Refusal = (String, &'static str);

fn read(url: &Url, options: Vec<(String, String)>) -> Result<Vec<u8>, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| (error.to_string(), ""))?;
    // The store's client takes the process's; that there is one already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let (store, path) = object_store::parse_url_opts(url, options).map_err(|error| refusal(&error))?;
        let found = store.get(&path).await.map_err(|error| refusal(&error))?;
        found.bytes().await.map(Vec::from).map_err(|error| refusal(&error))
    })
}

/// What the environment says of the account: of this cloud only, since a name like `TOKEN` may mean anything.
fn options(scheme: &str, env: &HashMap<String, String>) -> Vec<(String, String)> {
    let prefix = STORES.iter().find(|(known, _)| *known == scheme).map(|(_, prefix)| *prefix);
    let of_cloud = env
        .iter()
        .filter(|(name, value)| !value.trim().is_empty() && prefix.is_some_and(|prefix| name.starts_with(prefix)));
    of_cloud.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

fn refusal(error: &StoreError) -> Refusal {
    const ACCOUNT: &str = "check the account's variables, e.g. AWS_ACCESS_KEY_ID and AWS_REGION, GOOGLE_APPLICATION_CREDENTIALS, \
                           or AZURE_STORAGE_ACCOUNT_NAME, and that it may read the object";
    match error {
        StoreError::NotFound { .. } => ("there is no such object".to_owned(), "check the bucket and the path"),
        StoreError::PermissionDenied { .. } => ("it may not be read".to_owned(), ACCOUNT),
        StoreError::Unauthenticated { .. } => ("the store does not know who asks".to_owned(), ACCOUNT),
        StoreError::Generic { source, .. } => (source.to_string(), ACCOUNT),
        other => (other.to_string(), ACCOUNT),
    }
}
