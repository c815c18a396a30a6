//! The arguments `--scope` and `--facet`.

use crate::ending::Stop;
use blockgraph_model::scopes::{self, Scope};

/// Returns the scope with this name, reduced to one facet if a facet is named.
///
/// # Errors
/// If there is no such scope or facet.
pub fn named(name: &str, facet: Option<&str>) -> Result<Scope, Stop> {
    let Some(mut scope) = scopes::scope(name) else {
        return Err(Stop::Input(format!("no scope {name:?}: there are {}", scopes::SCOPES.join(", "))));
    };
    if let Some(only) = facet {
        let names: Vec<&str> = scope.facets.iter().map(|(facet, _)| facet.name).collect();
        let there = names.join(", ");
        scope.facets.retain(|(facet, _)| facet.name == only);
        if scope.facets.is_empty() {
            return Err(Stop::Input(format!("no facet {only:?} in scope {name}: there are {there}")));
        }
    }
    Ok(scope)
}
