//! The selector methods by name. What each looks at is said in `matchers`.

use super::matchers::{
    access, config, file, fqn, group, named, package, path, resource_type, result, source, source_status, state, tag,
    test_name, test_type, version,
};
use super::request::World;
use super::{Error, Wanted};
use crate::model::{Node, ResourceType, nearest};

/// What a criterion looks at, before the colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "dbt's own words; what each does is said at its function")]
pub enum Method {
    Fqn,
    Tag,
    Group,
    Access,
    Source,
    Path,
    File,
    Package,
    Config,
    TestName,
    TestType,
    ResourceType,
    Exposure,
    Metric,
    SemanticModel,
    SavedQuery,
    UnitTest,
    Version,
    State,
    Result,
    SourceStatus,
}

const METHODS: &[(&str, Method)] = &[
    ("fqn", Method::Fqn),
    ("tag", Method::Tag),
    ("group", Method::Group),
    ("access", Method::Access),
    ("source", Method::Source),
    ("path", Method::Path),
    ("file", Method::File),
    ("package", Method::Package),
    ("config", Method::Config),
    ("test_name", Method::TestName),
    ("test_type", Method::TestType),
    ("resource_type", Method::ResourceType),
    ("exposure", Method::Exposure),
    ("metric", Method::Metric),
    ("semantic_model", Method::SemanticModel),
    ("saved_query", Method::SavedQuery),
    ("unit_test", Method::UnitTest),
    ("version", Method::Version),
    ("state", Method::State),
    ("result", Method::Result),
    ("source_status", Method::SourceStatus),
];

/// All methods by name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|(name, _)| *name)
}

/// What finds the nodes that a criterion means.
pub(super) enum Matcher<'a> {
    /// Every node is looked at.
    Each(Box<dyn Fn(&Node) -> bool + 'a>),
    /// Their places in the manifest are known; one may be there twice.
    Known(Vec<usize>),
}

impl<'a> Matcher<'a> {
    pub(super) fn each(matches: impl Fn(&Node) -> bool + 'a) -> Self {
        Self::Each(Box::new(matches))
    }
}

impl Method {
    /// The method with its dotted arguments, as in `config.materialized`; of a criterion without one, by the look of
    /// its value.
    pub(super) fn of(written: Option<&str>, value: &str, criterion: &str) -> Result<(Self, Vec<String>), Error> {
        let Some(written) = written else { return Ok((Self::by_value(value), Vec::new())) };
        let mut parts = written.split('.');
        let name = parts.next().unwrap_or_default();
        match METHODS.iter().find(|(known, _)| *known == name) {
            Some((_, method)) => Ok((*method, parts.map(str::to_owned).collect())),
            None => Err(Error::UnknownMethod {
                method: name.to_owned(),
                criterion: criterion.to_owned(),
                nearest: nearest(&name.to_lowercase(), names()).map(str::to_owned),
            }),
        }
    }

    fn by_value(value: &str) -> Self {
        let lower = value.to_lowercase();
        if value.contains(std::path::MAIN_SEPARATOR) {
            Self::Path
        } else if [".sql", ".py", ".csv"].iter().any(|extension| lower.ends_with(extension)) {
            Self::File
        } else {
            Self::Fqn
        }
    }

    /// The one that looks for `wanted` (and, of `config`, at the place that the arguments name).
    pub(super) fn matcher<'a>(
        self,
        args: &'a [String],
        wanted: &'a Wanted,
        world: &World<'a>,
    ) -> Result<Matcher<'a>, Error> {
        let value = match wanted {
            Wanted::Text(text) => text.as_str(),
            Wanted::Other(_) if self == Self::Config => "",
            Wanted::Other(other) => {
                return Err(Error::InvalidValue {
                    method: self.name(),
                    value: other.to_string(),
                    expected: "a text".to_owned(),
                    nearest: None,
                });
            }
        };
        Ok(match self {
            Self::Fqn => fqn(value, world),
            Self::Tag => tag(value),
            Self::Group => group(value),
            Self::Access => access(value),
            Self::Source => return source(value),
            Self::Path => path(value, world),
            Self::File => file(value, world),
            Self::Package => package(value, world),
            Self::Config => config(args, wanted),
            Self::TestName => test_name(value),
            Self::TestType => return test_type(value),
            Self::ResourceType => return resource_type(value),
            Self::Exposure => return named(ResourceType::Exposure, value),
            Self::Metric => return named(ResourceType::Metric, value),
            Self::SemanticModel => return named(ResourceType::SemanticModel, value),
            Self::SavedQuery => return named(ResourceType::SavedQuery, value),
            Self::UnitTest => return named(ResourceType::UnitTest, value),
            Self::Version => return version(value),
            Self::State => return state(value, world),
            Self::Result => return result(value, world),
            Self::SourceStatus => return source_status(value, world),
        })
    }

    /// dbt's word.
    pub(super) fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }
}
