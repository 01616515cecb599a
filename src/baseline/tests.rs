//! Baselines out of repositories that the tests make.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{Oid, Repository, RepositoryInitOptions, Signature};
use tempfile::TempDir;

use super::{Baseline, Error, LoadContext, Loaded, head_sha, load};
use crate::jinja::Env;
use crate::model::Change;
use crate::parse::ParseOptions;
use crate::project::{self, LoadOptions, Project};
use crate::state::{self, Options};

/// A repository with a project in it, at its root or in a folder.
struct Repo {
    dir: TempDir,
    git: Repository,
    project: PathBuf,
}

impl Repo {
    fn new(folder: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let git = Repository::init_opts(dir.path(), RepositoryInitOptions::new().initial_head("main")).unwrap();
        let project = dir.path().join(folder);
        let repo = Self { dir, git, project };
        repo.write("dbt_project.yml", "name: shop\nprofile: shop\n");
        repo.write(
            "profiles.yml",
            "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n",
        );
        repo.write("models/orders.sql", "select 1 as id");
        repo.write(".gitignore", "dbt_packages/\n");
        repo
    }

    /// A project with one commit on main.
    fn committed(folder: &str) -> Self {
        let repo = Self::new(folder);
        repo.commit("first");
        repo
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything on the branch that is checked out.
    fn commit(&self, message: &str) -> Oid {
        let mut index = self.git.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = self.git.find_tree(index.write_tree().unwrap()).unwrap();
        let author = Signature::now("Test", "test@example.org").unwrap();
        let parent = self.git.head().ok().map(|head| head.peel_to_commit().unwrap());
        self.git.commit(Some("HEAD"), &author, &author, message, &tree, &parent.iter().collect::<Vec<_>>()).unwrap()
    }

    fn branch(&self, name: &str) {
        let head = self.git.head().unwrap().peel_to_commit().unwrap();
        self.git.branch(name, &head, true).unwrap();
    }

    fn switch(&self, name: &str) {
        self.git.set_head(&format!("refs/heads/{name}")).unwrap();
        self.git.checkout_head(Some(git2::build::CheckoutBuilder::new().force())).unwrap();
    }

    fn options(&self, env: &[(&str, &str)]) -> LoadOptions {
        let env: HashMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        LoadOptions {
            project_dir: self.project.clone(),
            profiles_dir: Some(self.project.clone()),
            env: Env(Arc::new(env)),
            require_profile: true,
            ..LoadOptions::default()
        }
    }

    fn head(&self) -> Project {
        project::load(&self.options(&[])).unwrap().project
    }

    fn load_in(&self, baseline: &Baseline, env: &[(&str, &str)]) -> Result<Loaded, Error> {
        let project = self.head();
        load(
            baseline,
            &LoadContext {
                parse: ParseOptions::of(&project),
                load: self.options(env),
                project: &project,
                stop: &|| false,
            },
        )
    }

    fn load(&self, baseline: &str) -> Result<Loaded, Error> {
        self.load_in(&Baseline::parse(baseline).unwrap(), &[])
    }

    fn hint(&self, baseline: &str) -> (String, String) {
        let error = self.load(baseline).unwrap_err();
        (error.to_string(), error.hint().unwrap())
    }
}

fn modified(repo: &Repo, baseline: &Loaded) -> Vec<String> {
    let project = repo.head();
    let current = crate::parse::parse(&project, ParseOptions::of(&project)).manifest;
    let change = Change { baseline: &*baseline.manifest, current: &current };
    let diff = state::compare(&change, Options::default());
    current.nodes.keys().filter(|id| diff.is_modified(id.as_str())).map(ToString::to_string).collect()
}

#[test]
fn a_baseline_reads_as_it_is_printed_and_nonsense_is_refused() {
    for text in
        ["manifest:target/prod", "manifest:s3://b/prod", "artifact:prod", "git:main", "git:v1.2:x", "merge-base"]
    {
        assert_eq!(Baseline::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "main", "manifest:", "git:", "artifact:", "s3://b/prod"] {
        let error = Baseline::parse(text).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "'{text}' is no baseline; write manifest:PATH, manifest:URL, artifact:NAME, git:REVISION or merge-base"
            )
        );
    }
    assert!(Baseline::parse("manifest:ftp://example.org/manifest.json").unwrap_err().hint().is_some());
}

#[test]
fn the_merge_base_is_where_the_branch_left_main_and_uncommitted_edits_count() {
    let repo = Repo::committed("");
    let base = repo.git.head().unwrap().target().unwrap().to_string();
    repo.branch("topic");
    repo.write("models/later.sql", "select 2 as id");
    repo.commit("main goes on");
    repo.switch("topic");
    repo.write("models/orders.sql", "select 1 as id, 2 as more");
    let loaded = repo.load("merge-base").unwrap();
    assert_eq!(loaded.sha.as_deref(), Some(base.as_str()));
    assert_eq!(loaded.description, format!("main at {} (merge base)", &base[..7]));
    assert_eq!(loaded.manifest.nodes.keys().map(ToString::to_string).collect::<Vec<_>>(), ["model.shop.orders"]);
    assert_eq!(modified(&repo, &loaded), ["model.shop.orders"]);
    assert_eq!(fs::read_to_string(repo.project.join("models/orders.sql")).unwrap(), "select 1 as id, 2 as more");
}

#[test]
fn a_project_in_a_folder_is_found_there_and_a_revision_by_any_name() {
    let repo = Repo::committed("analytics/shop");
    let first = repo.git.head().unwrap().target().unwrap();
    let commit = repo.git.find_object(first, None).unwrap();
    repo.git.tag_lightweight("v1", &commit, false).unwrap();
    repo.git.reference("refs/remotes/origin/release", first, true, "test").unwrap();
    repo.write("models/orders.sql", "select 2 as id");
    let second = repo.commit("second").to_string();
    for (revision, description) in [
        ("v1".to_owned(), format!("v1 at {}", &first.to_string()[..7])),
        ("release".to_owned(), format!("release at {}", &first.to_string()[..7])),
        ("HEAD~1".to_owned(), format!("HEAD~1 at {}", &first.to_string()[..7])),
        (first.to_string(), first.to_string()[..7].to_owned()),
    ] {
        let loaded = repo.load(&format!("git:{revision}")).unwrap();
        assert_eq!(loaded.description, description);
        assert_eq!(modified(&repo, &loaded), ["model.shop.orders"]);
    }
    assert_eq!(modified(&repo, &repo.load("git:HEAD").unwrap()), Vec::<String>::new());
    assert_eq!(head_sha(&repo.project), Some(second));
}

#[test]
fn the_base_branch_of_a_pull_request_wins_and_its_merge_commit_is_enough() {
    let repo = Repo::committed("");
    repo.branch("topic");
    repo.write("models/later.sql", "select 2 as id");
    let tip = repo.commit("release goes on").to_string();
    repo.git.reference("refs/remotes/origin/release", Oid::from_str(&tip).unwrap(), true, "test").unwrap();
    let env = [("GITHUB_BASE_REF", "release")];
    let loaded = repo.load_in(&Baseline::MergeBase, &env).unwrap();
    assert_eq!(loaded.description, format!("release at {} (merge base)", &tip[..7]));

    // As CI leaves it: no branch but the merge itself.
    repo.switch("topic");
    repo.write("models/mine.sql", "select 3 as id");
    let topic = repo.commit("mine");
    let author = Signature::now("Test", "test@example.org").unwrap();
    let parents = [repo.git.find_commit(Oid::from_str(&tip).unwrap()).unwrap(), repo.git.find_commit(topic).unwrap()];
    let tree = parents[1].tree().unwrap();
    let merge = repo.git.commit(None, &author, &author, "merge", &tree, &parents.iter().collect::<Vec<_>>()).unwrap();
    repo.git.set_head_detached(merge).unwrap();
    for name in ["refs/heads/main", "refs/heads/topic", "refs/remotes/origin/release"] {
        repo.git.find_reference(name).unwrap().delete().unwrap();
    }
    let env = [("GITHUB_BASE_REF", "release"), ("GITHUB_REF", "refs/pull/7/merge")];
    let loaded = repo.load_in(&Baseline::MergeBase, &env).unwrap();
    assert_eq!((loaded.description, loaded.sha), (format!("release at {}", &tip[..7]), Some(tip)));
}

#[test]
fn errors_of_git_say_what_to_do() {
    let repo = Repo::committed("");
    let (message, hint) = repo.hint("git:nope");
    assert_eq!(message, "there is no revision 'nope' in this repository");
    assert_eq!(hint, "fetch it first: git fetch origin nope");

    repo.branch("topic");
    repo.switch("topic");
    repo.git.find_reference("refs/heads/main").unwrap().delete().unwrap();
    let (message, hint) = repo.hint("merge-base");
    assert!(message.starts_with("no default branch was found: there is none of origin/main"), "{message}");
    assert!(hint.starts_with("name a revision"), "{hint}");
    fs::write(repo.git.path().join("shallow"), head_sha(&repo.project).unwrap() + "\n").unwrap();
    assert!(repo.hint("merge-base").1.contains("fetch-depth: 0"));
    assert!(repo.hint("git:nope").1.contains("fetch-depth: 0"));
}

#[test]
fn histories_without_a_common_commit_have_no_merge_base() {
    let repo = Repo::committed("");
    let tree = repo.git.head().unwrap().peel_to_tree().unwrap();
    let author = Signature::now("Test", "test@example.org").unwrap();
    repo.git.commit(Some("refs/heads/orphan"), &author, &author, "alone", &tree, &[]).unwrap();
    repo.switch("orphan");
    assert_eq!(repo.hint("merge-base").0, "there is no merge base of HEAD and main");
}

#[test]
fn a_folder_without_repository_or_commit_is_told_so() {
    let repo = Repo::new("");
    assert!(matches!(repo.load("merge-base").unwrap_err(), Error::NoCommit));
    fs::remove_dir_all(repo.git.path()).unwrap();
    let (message, hint) = repo.hint("merge-base");
    assert!(message.ends_with("is not in a git repository, so there is no revision to compare with"), "{message}");
    assert!(hint.contains("manifest:PATH"));
    assert_eq!(head_sha(repo.dir.path()), None);
}

#[test]
fn a_revision_without_the_project_or_with_a_broken_one_is_unusable() {
    let repo = Repo::new("shop");
    fs::write(repo.dir.path().join("README.md"), "first").unwrap();
    let project = repo.project.clone();
    let aside =
        repo.dir.path().parent().unwrap().join(format!("{}-aside", repo.dir.path().file_name().unwrap().display()));
    fs::rename(&project, &aside).unwrap();
    repo.commit("no project yet");
    fs::rename(&aside, &project).unwrap();
    repo.write("models/orders.sql", "select * from {{ ref('nowhere') }}");
    repo.commit("broken");
    repo.write("models/orders.sql", "select 1 as id");
    let (message, hint) = repo.hint("git:HEAD~1");
    assert!(message.ends_with("has no dbt_project.yml in shop"), "{message}");
    assert!(hint.contains("manifest:PATH"));
    let (message, _) = repo.hint("git:HEAD");
    assert!(message.contains("does not parse (1 error): ") && message.contains("nowhere"), "{message}");
}

/// A package in `folder` with one model.
fn package(folder: &Path, sql: &str) {
    fs::create_dir_all(folder.join("models")).unwrap();
    let name = folder.file_name().unwrap().display();
    fs::write(folder.join("dbt_project.yml"), format!("name: {name}\n")).unwrap();
    fs::write(folder.join("models").join(format!("{name}_m.sql")), sql).unwrap();
}

#[test]
fn installed_packages_serve_both_sides_and_local_ones_are_of_the_revision() {
    let repo = Repo::new("shop");
    repo.write("packages.yml", "packages:\n  - package: x/far\n    version: 1.0.0\n  - local: ../near\n");
    let near = repo.dir.path().join("near");
    package(&near, "select 1 as id");
    repo.commit("first");
    let installed = repo.project.join("dbt_packages");
    package(&installed.join("far"), "select 1 as id");
    std::os::unix::fs::symlink(&near, installed.join("near")).unwrap();
    package(&near, "select 2 as id");

    let loaded = repo.load("git:HEAD").unwrap();
    let ids: Vec<String> = loaded.manifest.nodes.keys().map(ToString::to_string).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(modified(&repo, &loaded), ["model.near.near_m"]);
}

/// A repository with a package `far` whose model is another one at v2.
fn far(dir: &Path) -> String {
    let git = Repository::init(dir).unwrap();
    let author = Signature::now("Test", "test@example.org").unwrap();
    fs::write(dir.join("dbt_project.yml"), "name: far\n").unwrap();
    fs::create_dir_all(dir.join("models")).unwrap();
    for (tag, sql) in [("v1", "select 1 as id"), ("v2", "select 2 as id")] {
        fs::write(dir.join("models/far_m.sql"), sql).unwrap();
        let mut index = git.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
        let parent = git.head().ok().map(|head| head.peel_to_commit().unwrap());
        let commit =
            git.commit(Some("HEAD"), &author, &author, tag, &tree, &parent.iter().collect::<Vec<_>>()).unwrap();
        git.tag_lightweight(tag, &git.find_object(commit, None).unwrap(), false).unwrap();
    }
    dir.display().to_string()
}

#[test]
fn a_revision_with_other_packages_is_read_with_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let url = far(dir.path());
    let packages = |revision: &str| format!("packages:\n  - git: {url}\n    revision: {revision}\n  - local: near\n");
    let repo = Repo::new("");
    repo.write("packages.yml", &packages("v1"));
    package(&repo.project.join("near"), "select 1 as id");
    repo.commit("first");
    let install = || {
        let options = repo.options(&[]);
        project::deps::install(&options, &project::deps::Request::default(), &|_| {}, &|| false).unwrap()
    };
    install();
    assert_eq!(modified(&repo, &repo.load("git:HEAD").unwrap()), Vec::<String>::new());

    repo.write("packages.yml", &packages("v2"));
    install();
    let installed = fs::read_to_string(repo.project.join("dbt_packages/far/models/far_m.sql")).unwrap();
    let loaded = repo.load("git:HEAD").unwrap();
    assert_eq!(modified(&repo, &loaded), ["model.far.far_m"]);
    let note = &loaded.diagnostics[0];
    assert!(!note.is_error() && note.message.contains("read with its own packages: far "), "{note}");
    // The current side's are as they were.
    assert_eq!(fs::read_to_string(repo.project.join("dbt_packages/far/models/far_m.sql")).unwrap(), installed);

    // The lock file alone makes a difference, too.
    repo.commit("second");
    let lock = fs::read_to_string(repo.project.join("package-lock.yml")).unwrap();
    let first = repo.git.find_commit(repo.git.revparse_single("HEAD~1").unwrap().id()).unwrap();
    assert_eq!(modified(&repo, &repo.load(&format!("git:{}", first.id())).unwrap()), ["model.far.far_m"]);
    let sha = |tag: &str| Repository::open(dir.path()).unwrap().revparse_single(tag).unwrap().id().to_string();
    repo.write("package-lock.yml", &lock.replace(&sha("v2"), &sha("v1")));
    install();
    assert_eq!(modified(&repo, &repo.load("git:HEAD").unwrap()), ["model.far.far_m"]);
}

#[test]
fn a_revision_whose_own_packages_cannot_be_had_is_unusable() {
    let repo = Repo::new("");
    repo.write("packages.yml", "packages: [{git: /nowhere/far, revision: v1}]\n");
    repo.write("package-lock.yml", "sha1_hash: one\n");
    repo.commit("first");
    package(&repo.project.join("dbt_packages/far"), "select 1 as id");
    assert!(repo.load("git:HEAD").is_ok());
    repo.write("package-lock.yml", "sha1_hash: two\n");
    let (message, hint) = repo.hint("git:HEAD");
    assert!(
        message.contains("(package-lock.yml differs), and they cannot be had: git cannot fetch /nowhere/far"),
        "{message}"
    );
    assert!(hint.contains("manifest:PATH"));
    repo.write("packages.yml", "packages: [{git: /nowhere/far, revision: v2}]\n");
    assert!(repo.hint("git:HEAD").0.contains("(packages.yml differs)"));

    // Packages that are kept in git come with the revision.
    repo.write(".gitignore", "target/\n");
    repo.commit("packages in git");
    repo.write("packages.yml", "packages: [{git: /nowhere/far, revision: v3}]\n");
    repo.write("dbt_packages/far/models/far_m.sql", "select 3 as id");
    assert_eq!(modified(&repo, &repo.load("git:HEAD").unwrap()), ["model.far.far_m"]);
    repo.write(".gitignore", "dbt_packages/\n");
    fs::remove_dir_all(repo.project.join("dbt_packages")).unwrap();

    // A place outside of the revision's folder holds the current side's packages.
    let outside = repo.dir.path().join("outside");
    let settings = fs::read_to_string(repo.project.join("dbt_project.yml")).unwrap();
    repo.write("dbt_project.yml", &format!("{settings}packages-install-path: {}\n", outside.display()));
    repo.write("packages.yml", "packages: []\n");
    repo.commit("second");
    package(&outside.join("far"), "select 1 as id");
    repo.write("packages.yml", "packages: [{git: /nowhere/far, revision: v2}]\n");
    assert!(repo.hint("git:HEAD").0.contains("lies outside of the project"));
    assert!(outside.join("far/dbt_project.yml").exists());
}

#[test]
fn a_manifest_is_read_from_its_folder_and_one_of_another_project_is_told() {
    let repo = Repo::committed("");
    let project = repo.head();
    let manifest = crate::parse::parse(&project, ParseOptions::of(&project)).manifest;
    let folder = repo.project.join("prod");
    crate::artifacts::write_manifest(&manifest, &folder.join("manifest.json")).unwrap();
    for path in [folder.clone(), folder.join("manifest.json"), PathBuf::from("prod")] {
        let loaded = repo.load(&format!("manifest:{}", path.display())).unwrap();
        assert!(loaded.description.contains("manifest.json (written by dbt 1."), "{}", loaded.description);
        assert_eq!((loaded.sha, loaded.diagnostics.len()), (None, 0));
        assert!(loaded.manifest.nodes.contains_key("model.shop.orders"));
    }
    repo.write("dbt_project.yml", "name: other\nprofile: shop\n");
    let loaded = repo.load(&format!("manifest:{}", folder.display())).unwrap();
    assert!(loaded.diagnostics[0].message.contains("of the project 'shop', not of 'other'"));
    assert!(repo.hint("manifest:nowhere").0.contains("nowhere"));
}

#[test]
fn a_pointer_of_lfs_is_followed_where_the_file_is_at_hand() {
    use sha2::{Digest, Sha256};
    let repo = Repo::new("");
    let csv = "id\n1\n2\n";
    let id = format!("{:x}", Sha256::digest(csv.as_bytes()));
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize {}\n", csv.len());
    repo.write("seeds/known.csv", &pointer);
    repo.write("seeds/lost.csv", &pointer.replace(&id, &"0".repeat(64)));
    repo.commit("first");
    repo.write("seeds/known.csv", csv);
    repo.write("seeds/lost.csv", "id\n3\n");
    let loaded = repo.load("git:HEAD").unwrap();
    assert_eq!(modified(&repo, &loaded), ["seed.shop.lost"]);
    assert_eq!(loaded.diagnostics.len(), 1);
    assert!(loaded.diagnostics[0].message.contains("seeds/lost.csv is in Git LFS"));
}

#[test]
fn the_working_tree_and_the_index_stay_as_they_are() {
    let repo = Repo::committed("");
    repo.write("models/orders.sql", "select 2 as id");
    repo.write("models/untracked.sql", "select 3 as id");
    let status = |repo: &Repo| -> Vec<(String, git2::Status)> {
        let entries = repo.git.statuses(None).unwrap();
        entries.iter().map(|entry| (entry.path().unwrap().to_owned(), entry.status())).collect()
    };
    let before = status(&repo);
    repo.load("git:HEAD").unwrap();
    assert_eq!(status(&repo), before);
}
