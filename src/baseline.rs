//! stub
use crate::model::*; use std::path::*;
pub enum Baseline { MergeBase, M(PathBuf) }
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct Error;
impl Error { pub fn hint(&self)->Option<String>{None} }
impl Baseline { pub fn parse(t:&str)->Result<Self,Error>{ t.strip_prefix("manifest:").map(|p| Self::M(p.into())).ok_or(Error) } }
pub struct LoadContext<'a>{ pub project:&'a crate::project::Project, pub load: crate::project::LoadOptions, pub parse: crate::parse::ParseOptions }
pub struct Loaded{ pub manifest: Manifest, pub description: String, pub sha: Option<String>, pub diagnostics: Vec<Diagnostic> }
pub fn load(b:&Baseline,_c:&LoadContext<'_>)->Result<Loaded,Error>{ match b { Baseline::M(p)=>Ok(Loaded{manifest: crate::artifacts::read_manifest(p).map_err(|_|Error)?, description: p.display().to_string(), sha:None, diagnostics:vec![]}), _=>Err(Error)} }
pub fn head_sha(_:&Path)->Option<String>{None}
