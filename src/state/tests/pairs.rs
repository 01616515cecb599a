//! The pairs of `fixtures/projects`: what dbt's `state:` selectors say of each, and every reason of ours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use serde_json::Value as Json;

use super::{golden::copy, selected};
use crate::impact::Impact;
use crate::jinja::Env;
use crate::model::{Change, Manifest};
use crate::parse::{ParseOptions, parse};
use crate::project::{LoadOptions, load};
use crate::report::{Shown, changes_terminal};
use crate::select::Indirect;
use crate::state::reason::all_reasons;
use crate::state::{Options, StateDiff, compare, explain};

const FLAG: &str = "flags: {state_modified_compare_more_unrendered_values: true}\n";

struct Pair {
    name: String,
    folder: PathBuf,
    about: Json,
}

fn pairs() -> Vec<Pair> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects");
    let mut found: Vec<Pair> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|folder| Pair {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            about: serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap(),
            folder,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() >= 100, "only {} pairs", found.len());
    found
}

/// A pair with its sides parsed: with the flag as written or off, and with the flag on where the case has that.
struct Parsed {
    pair: Pair,
    off: Change<Manifest>,
    on: Option<Change<Manifest>>,
}

/// Every pair, parsed once for all tests.
static PARSED: LazyLock<Vec<Parsed>> = LazyLock::new(|| {
    let parsed = |pair: Pair| {
        let sides = |flag| Change { baseline: "base", current: "head" }.map(|side| pair.parse(side, flag));
        Parsed { off: sides(false), on: pair.golden().contains_key("on").then(|| sides(true)), pair }
    };
    pairs().into_par_iter().map(parsed).collect()
});

impl Pair {
    /// One side as a whole project: the head is the base, with the head's files over it and without those removed.
    fn lay_out(&self, side: &str, to: &Path, flag: bool) {
        copy(&self.folder.join("base"), to);
        if side == "head" {
            if self.folder.join("head").is_dir() {
                copy(&self.folder.join("head"), to);
            }
            for path in self.about["removed"].as_array().into_iter().flatten() {
                fs::remove_file(to.join(path.as_str().unwrap())).unwrap();
            }
        }
        for (path, sides) in self.about["generate"].as_object().into_iter().flatten() {
            let (rows, text) = (sides[side]["rows"].as_u64().unwrap(), sides[side]["text"].as_str().unwrap());
            let rows: Vec<String> = (0..rows).map(|row| format!("{row},{text}\n")).collect();
            fs::create_dir_all(to.join(path).parent().unwrap()).unwrap();
            fs::write(to.join(path), format!("id,name\n{}", rows.concat())).unwrap();
        }
        if flag {
            let project = to.join("dbt_project.yml");
            fs::write(&project, fs::read_to_string(&project).unwrap() + FLAG).unwrap();
        }
    }

    fn parse(&self, side: &str, flag: bool) -> Manifest {
        let dir = tempfile::tempdir().unwrap();
        self.lay_out(side, dir.path(), flag);
        let set = self.about["env"][side].as_object().into_iter().flatten();
        let env = Env(Arc::new(
            set.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect::<HashMap<_, _>>(),
        ));
        let loaded = load(&LoadOptions {
            project_dir: dir.path().to_owned(),
            profiles_dir: Some(self.folder.parent().unwrap().to_owned()),
            target: self.about["target"][side].as_str().map(str::to_owned),
            env: env.clone(),
            require_profile: true,
            ..LoadOptions::default()
        })
        .unwrap_or_else(|error| panic!("{} {side}: {error}", self.name));
        let options = ParseOptions { env, large_seeds: true, ..ParseOptions::of(&loaded.project) };
        let parsed = parse(&loaded.project, options);
        let errors: Vec<_> = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        assert!(errors.is_empty(), "{} {side}: {errors:#?}", self.name);
        parsed.manifest
    }

    /// dbt's answers: position of the flag → selector → ids.
    fn golden(&self) -> BTreeMap<String, BTreeMap<String, Json>> {
        serde_json::from_str(&fs::read_to_string(self.folder.join("dbt.json")).unwrap()).unwrap()
    }

    /// Selectors whose answer deliberately differs from dbt's; why is said in the case.
    fn differs(&self) -> BTreeSet<String> {
        let selectors = self.about["differs"]["selectors"].as_array().into_iter().flatten();
        selectors.map(|selector| selector.as_str().unwrap().to_owned()).collect()
    }
}

fn options(flag: bool) -> Options {
    Options { more_unrendered: flag }
}

#[test]
fn every_selector_says_of_every_pair_what_it_says_in_dbt() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for Parsed { pair, off, on } in PARSED.iter() {
        let allowed = pair.differs();
        let mut differing = BTreeSet::new();
        for (position, selectors) in pair.golden() {
            let sides = if position == "on" { on.as_ref().unwrap() } else { off };
            let flag = position == "on" || pair.name == "flag-turned-on";
            let diff = compare(&sides.as_ref(), options(flag));
            for (selector, want) in selectors {
                // dbt refuses to compare where a versioned contract is broken; we say that it is.
                let Some(want) = want.as_array() else { continue };
                let want: BTreeSet<String> = want.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
                let got = selected(&selector, Indirect::Eager, &sides.current, &diff);
                compared += 1;
                if got != want {
                    differing.insert(selector.clone());
                    if !allowed.contains(&selector) {
                        wrong.push(format!("{} {position} {selector}: dbt {want:?}, ours {got:?}", pair.name));
                    }
                }
            }
        }
        if allowed != differing {
            wrong.push(format!("{}: the case says that {allowed:?} differ, {differing:?} do", pair.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 2000, "{compared}");
}

#[test]
fn a_base_against_itself_says_nothing() {
    for Parsed { pair, off, on } in PARSED.iter() {
        for (flag, sides) in [(false, Some(off)), (true, on.as_ref())] {
            let Some(Change { baseline: base, .. }) = sides else { continue };
            let diff = compare(&Change { baseline: base, current: base }, options(flag));
            assert!(diff == StateDiff::default(), "{}: {diff:?}", pair.name);
            let written = crate::artifacts::manifest_json(base).to_string();
            let read = crate::artifacts::parse_manifest(written.as_bytes(), "ours").unwrap();
            let diff = compare(&Change { baseline: &read, current: base }, options(flag));
            assert!(diff == StateDiff::default(), "{} written and read: {diff:?}", pair.name);
        }
    }
}

#[test]
fn every_reason_over_every_pair_reads_well() {
    let mut seen = BTreeSet::new();
    for Parsed { pair, off, .. } in PARSED.iter() {
        let diff = compare(&off.as_ref(), options(false));
        let told = explain(&off.as_ref(), &diff, "the base", "0");
        seen.extend(told.nodes.iter().flat_map(|node| node.reasons.iter().map(|reason| reason.id)));
        let concern = pair.about["concern"].as_str().unwrap();
        let drawn = changes_terminal(&told, &Impact::default(), Shown { diffs: true }, 110, false);
        insta::with_settings!({ description => concern, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(pair.name.as_str(), drawn);
        });
    }
    let unseen: Vec<_> = all_reasons().map(|reason| reason.id).filter(|id| !seen.contains(id)).collect();
    assert!(unseen.is_empty(), "no pair shows {unseen:?}");
}
