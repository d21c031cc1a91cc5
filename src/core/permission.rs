//! Permissions `resource:action`: which of the requested ones an Account grants.

/// The requested permissions cut to what is granted, and those that are not granted at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Sorted, without what another entry includes.
    pub effective: Vec<String>,
    pub refused: Vec<String>,
}

/// Cuts `requested` to `ceiling`: `servers:*` under a ceiling of single actions becomes those.
pub fn grant(requested: &[String], ceiling: &[String]) -> Grant {
    let mut effective = Vec::new();
    let mut refused = Vec::new();
    for wanted in requested {
        if ceiling.iter().any(|granted| includes(granted, wanted)) {
            effective.push(wanted.clone());
            continue;
        }
        let parts: Vec<String> =
            ceiling.iter().filter(|granted| includes(wanted, granted)).cloned().collect();
        if parts.is_empty() {
            refused.push(wanted.clone());
        }
        effective.extend(parts);
    }
    Grant { effective: smallest(effective), refused }
}

/// Whether who holds `holder` may do `wanted`: the same one, the resource's `*`, or `*:*`.
pub fn includes(holder: &str, wanted: &str) -> bool {
    if holder == wanted || holder == "*:*" {
        return true;
    }
    match (holder.split_once(':'), wanted.split_once(':')) {
        (Some((resource, "*")), Some((other, _))) => resource == other,
        _ => false,
    }
}

/// Sorted and without what another entry includes.
fn smallest(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all.dedup();
    let included = |one: &String| all.iter().any(|other| other != one && includes(other, one));
    all.iter().filter(|one| !included(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(requested: &[&str], ceiling: &[&str]) -> (Vec<String>, Vec<String>) {
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let Grant { effective, refused } = grant(&own(requested), &own(ceiling));
        (effective, refused)
    }

    #[test]
    fn a_wildcard_under_a_ceiling_of_single_actions_becomes_those() {
        let (effective, refused) = cut(&["servers:*"], &["servers:list", "servers:power", "dns:list"]);
        assert_eq!(effective, ["servers:list", "servers:power"]);
        assert!(refused.is_empty());
    }

    #[test]
    fn everything_under_a_ceiling_is_the_ceiling() {
        assert_eq!(cut(&["*:*"], &["dns:*", "servers:list"]).0, ["dns:*", "servers:list"]);
    }

    #[test]
    fn a_single_action_is_granted_by_itself_its_resource_and_everything() {
        for ceiling in ["servers:list", "servers:*", "*:*"] {
            assert_eq!(
                cut(&["servers:list"], &[ceiling]),
                (vec!["servers:list".into()], vec![]),
                "{ceiling}"
            );
        }
    }

    #[test]
    fn what_is_not_granted_at_all_is_named() {
        assert_eq!(
            cut(&["dns:list", "servers:list"], &["servers:*"]),
            (vec!["servers:list".into()], vec!["dns:list".into()])
        );
        assert_eq!(cut(&["dns:list"], &[]).1, ["dns:list"]);
        assert_eq!(cut(&["*:*"], &[]).1, ["*:*"]);
    }

    #[test]
    fn what_another_entry_includes_is_not_listed_twice() {
        assert_eq!(cut(&["servers:list", "servers:*", "servers:list"], &["*:*"]).0, ["servers:*"]);
    }
}
