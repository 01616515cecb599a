//! Manifests of others: whatever is in one, it is read or refused, and what is read can be compared and written.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value as Json;

use super::check;
use super::mutate;
use crate::artifacts::{manifest_json, parse_manifest};
use crate::model::{Change, Manifest};
use crate::{select, state};

const GOLDEN: &str = include_str!("../../../fixtures/zoo/golden/manifest.json");

static WHOLE: LazyLock<Manifest> = LazyLock::new(|| parse_manifest(GOLDEN.as_bytes(), "golden").unwrap());

fn reads(bytes: &[u8]) {
    let manifest = match parse_manifest(bytes, "m.json") {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(error.to_string().contains("m.json"), "{error}");
            return;
        }
    };
    let written = manifest_json(&manifest).to_string();
    let again = parse_manifest(written.as_bytes(), "again.json").unwrap();
    let first_only = |manifest: &Manifest| manifest.nodes.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert!(again.nodes.len() <= manifest.nodes.len(), "{:?} {:?}", first_only(&again), first_only(&manifest));
    // Circles and unknown parents are told, not run into.
    let _ = select::dag(&manifest);
    let _ = state::compare(&Change { baseline: &manifest, current: &WHOLE }, state::Options::default());
    let _ = state::compare(&Change { baseline: &WHOLE, current: &manifest }, state::Options::default());
}

#[test]
fn mutated_manifests_are_read_or_refused() {
    let golden: Json = serde_json::from_str(GOLDEN).unwrap();
    check("manifest, mutated values", 60, &mutate::json_values(golden).prop_map(|json| json.to_string()), |text| {
        reads(text.as_bytes());
    });
}

#[test]
fn damaged_manifests_are_read_or_refused() {
    let damage = (any::<Index>(), any::<Index>(), prop::collection::vec(any::<u8>(), 0..6), any::<bool>());
    let damaged = damage.prop_map(|(from, to, bytes, cut)| {
        let mut text = GOLDEN.as_bytes().to_vec();
        let from = from.index(text.len());
        let to = if cut { text.len() } else { (from + to.index(200)).min(text.len()) };
        text.splice(from..to, bytes);
        text
    });
    check("manifest, damaged bytes", 60, &damaged, |bytes| reads(bytes));
}

#[test]
fn arbitrary_bytes_and_deep_json_are_refused() {
    let deep = (1..5_000_usize, prop::sample::select(&["[", "{\"a\":", "{\"metadata\":[", "\"\\u"][..]))
        .prop_map(|(times, text)| text.repeat(times).into_bytes());
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..300), deep];
    check("manifest, arbitrary bytes", 200, &bytes, |bytes| reads(bytes));
}
