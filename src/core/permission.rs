//! Permissions `resource:action`: which of the requested ones an Account grants.

use super::{
    answer::Complaint,
    reason::Reason,
    role::{self, Flaw},
    short::listed,
};
use crate::api::AccountSpec;

/// What a credential asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub permissions: &'a [String],
    /// Names of the Account's roles.
    pub roles: &'a [String],
}

/// The requested permissions cut to what is granted, and what is not granted at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Sorted, without what another entry includes.
    pub effective: Vec<String>,
    /// Permissions, and `the role …` of which nothing is left.
    pub refused: Vec<String>,
    /// The first role that cannot be followed.
    pub flaw: Option<Flaw>,
    /// What the parent cut off, of a short-lived part of another credential.
    pub beyond: Option<Beyond>,
}

/// What is asked for and the parent does not have, though the Account grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The parent's kind and name.
    pub parent: String,
    pub refused: Vec<String>,
    /// What it has.
    pub there: Vec<String>,
}

/// Cuts permissions and roles to what the Account grants. A role is cut like a wildcard: it is refused when nothing of
/// it is left. While its roles go in a circle nobody knows what they mean, so what the credential `had` stays.
pub fn entitle(request: Request<'_>, account: &AccountSpec, had: &[String]) -> Grant {
    entitle_up_to(&account.permissions, request, account, had)
}

/// The same, cut to what the parent has as well, which the Account has granted to that.
pub fn entitle_part(
    request: Request<'_>,
    account: &AccountSpec,
    had: &[String],
    (parent, has): (&str, Grant),
) -> Grant {
    let all = entitle(request, account, had);
    let part = entitle_up_to(&has.effective, request, account, had);
    let refused: Vec<_> = part.refused.into_iter().filter(|one| !all.refused.contains(one)).collect();
    let beyond = Beyond { parent: parent.to_owned(), refused, there: has.effective };
    let beyond = Some(beyond).filter(|beyond| !beyond.refused.is_empty());
    Grant { effective: part.effective, beyond, ..all }
}

fn entitle_up_to(ceiling: &[String], request: Request<'_>, account: &AccountSpec, had: &[String]) -> Grant {
    let mut all = grant(request.permissions, ceiling);
    for name in request.roles {
        match role::permissions_of(&account.roles, name) {
            Ok(permissions) => {
                let part = grant(&permissions, ceiling);
                if part.effective.is_empty() && !permissions.is_empty() {
                    all.refused.push(format!(
                        "the role {name} ({})",
                        listed(permissions.iter().map(String::as_str))
                    ));
                }
                all.effective.extend(part.effective);
            }
            Err(flaw) => {
                if matches!(flaw, Flaw::Circle(_)) {
                    all.effective.extend(grant(had, ceiling).effective);
                }
                all.flaw.get_or_insert(flaw);
            }
        }
    }
    all.effective = smallest(all.effective);
    all
}

impl Grant {
    /// What is asked for and not had, as the rest of a sentence about the Account.
    fn shortfall(&self) -> Option<(Reason, String)> {
        match &self.flaw {
            Some(Flaw::Unknown(name)) => Some((Reason::RoleNotFound, format!("has no role {name}"))),
            Some(Flaw::Circle(way)) => Some((
                Reason::PermissionNotGranted,
                format!("has roles that include each other in a circle: {}", way.join(", ")),
            )),
            None if self.refused.is_empty() => None,
            None => Some((
                Reason::PermissionNotGranted,
                format!("does not grant {}", listed(self.refused.iter().map(String::as_str))),
            )),
        }
    }

    /// What a live credential does without, though it asks for it.
    pub fn lacking(&self, account: &str) -> Option<(Reason, String)> {
        if let Some((reason, shortfall)) = self.shortfall() {
            return Some((reason, format!("the Account {account} {shortfall}")));
        }
        let Beyond { parent, refused, .. } = self.beyond.as_ref()?;
        Some((
            Reason::PermissionNotGranted,
            format!("the {parent} does not have {}", listed(refused.iter().map(String::as_str))),
        ))
    }

    /// Why nothing is minted with these permissions, and what to do.
    pub fn refusal(&self, name: &str, account: &AccountSpec) -> Option<Complaint> {
        let Some((reason, shortfall)) = self.shortfall() else {
            return self.beyond.as_ref().map(Beyond::complaint);
        };
        let advice = match &self.flaw {
            Some(Flaw::Unknown(_)) => {
                let there = account.roles.iter().map(|role| role.name.as_str());
                format!("it has {}: change spec.roles here or in the Account", listed(there))
            }
            Some(Flaw::Circle(_)) => "mend spec.roles there".to_owned(),
            None => {
                let granted = account.permissions.iter().map(String::as_str);
                format!("it grants {}: change spec.permissions here or in the Account", listed(granted))
            }
        };
        Some(Complaint::person(reason, format!("The Account {name} {shortfall}; {advice}")))
    }
}

impl Beyond {
    fn complaint(&self) -> Complaint {
        let Self { parent, refused, there } = self;
        let there = listed(there.iter().map(String::as_str));
        let text = format!(
            "The {parent} does not have {}; it has {there}: change spec.permissions or spec.roles here or there",
            listed(refused.iter().map(String::as_str))
        );
        Complaint::person(Reason::PermissionNotGranted, text)
    }
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
    Grant { effective: smallest(effective), refused, flaw: None, beyond: None }
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

/// Sorted and without what another entry includes. There may be thousands of them, in each pass.
fn smallest(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all.dedup();
    let there = |wildcard: &str| all.binary_search_by(|one| one.as_str().cmp(wildcard)).is_ok();
    let everything = there("*:*");
    let included = |one: &str| match one.split_once(':') {
        Some(("*", "*")) | None => false,
        Some((resource, action)) => everything || action != "*" && there(&format!("{resource}:*")),
    };
    all.iter().filter(|one| !included(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::Role;

    fn cut(requested: &[&str], ceiling: &[&str]) -> (Vec<String>, Vec<String>) {
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let Grant { effective, refused, .. } = grant(&own(requested), &own(ceiling));
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

    const RESOURCES: [&str; 3] = ["servers", "server", "dns"];
    const ACTIONS: [&str; 3] = ["list", "read", "*"];

    /// Whether one of them allows the single action, by another road than the product's.
    fn allows(all: &[String], resource: &str, action: &str) -> bool {
        let ways = [format!("{resource}:{action}"), format!("{resource}:*"), "*:*".to_owned()];
        all.iter().any(|one| ways.contains(one))
    }

    fn permissions() -> impl Strategy<Value = Vec<String>> {
        let single = (prop::sample::select(&RESOURCES[..]), prop::sample::select(&ACTIONS[..]));
        let one = prop_oneof![9 => single.prop_map(|(resource, action)| format!("{resource}:{action}")), 1 => Just("*:*".to_owned())];
        prop::collection::vec(one, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_effective_is_what_is_asked_for_and_granted_and_a_part_has_what_its_parent_has_too(
            requested in permissions(), ceiling in permissions(), parents in permissions(),
        ) {
            let account = AccountSpec { permissions: ceiling.clone(), ..AccountSpec::default() };
            let request = || Request { permissions: &requested, roles: &[] };
            let own = entitle(request(), &account, &[]);
            let part = entitle_part(request(), &account, &[], ("ApiKeyPair web", grant(&parents, &ceiling)));
            for (resource, action) in RESOURCES.iter().flat_map(|resource| ACTIONS.map(|action| (resource, action))) {
                let granted = allows(&requested, resource, action) && allows(&ceiling, resource, action);
                prop_assert_eq!(allows(&own.effective, resource, action), granted, "{}:{}", resource, action);
                let is_parents = allows(&parents, resource, action);
                prop_assert_eq!(allows(&part.effective, resource, action), granted && is_parents, "{}:{}", resource, action);
            }
            for asked in &requested {
                let is_left = own.effective.iter().any(|one| includes(asked, one) || includes(one, asked));
                prop_assert_eq!(own.refused.contains(asked), !is_left, "{}", asked);
            }
            let double = |one: &String| own.effective.iter().filter(|other| includes(other, one)).count() > 1;
            prop_assert!(!own.effective.iter().any(double), "{:?}", own.effective);
        }
    }

    fn account(ceiling: &[&str], roles: &[(&str, &[&str], &[&str])]) -> AccountSpec {
        let own = |list: &[&str]| list.iter().map(|text| text.to_string()).collect();
        let role = |(name, permissions, include): &(&str, &[&str], &[&str])| Role {
            name: name.to_string(),
            permissions: own(permissions),
            include: own(include),
            ..Role::default()
        };
        AccountSpec {
            permissions: own(ceiling),
            roles: roles.iter().map(role).collect(),
            ..AccountSpec::default()
        }
    }

    fn asked(roles: &[&str], account: &AccountSpec, had: &[&str]) -> Grant {
        let own = |list: &[&str]| list.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        entitle(Request { permissions: &own(&["own:read"]), roles: &own(roles) }, account, &own(had))
    }

    #[test]
    fn roles_are_added_to_the_permissions_and_cut_to_the_ceiling_like_them() {
        let account = account(
            &["own:read", "keys:*"],
            &[("full", &["keys:list", "dns:*"], &["basic"]), ("basic", &[], &[])],
        );
        let grant = asked(&["full", "basic"], &account, &[]);
        assert_eq!(grant.effective, ["keys:list", "own:read"]);
        assert_eq!(grant.refusal("alice", &account), None, "what is left of a role is enough");
    }

    #[test]
    fn a_role_of_which_nothing_is_granted_is_refused_by_its_name() {
        let account = account(&["own:read"], &[("full", &["dns:*"], &[])]);
        let refusal = asked(&["full"], &account, &[]).refusal("alice", &account).unwrap();
        assert_eq!(refusal.reason, Reason::PermissionNotGranted);
        assert!(refusal.message.contains("does not grant the role full (dns:*)"), "{}", refusal.message);
    }

    #[test]
    fn an_unknown_role_gives_nothing_and_the_message_lists_those_there_are() {
        let account = account(&["*:*"], &[("basic", &["pastes:read"], &[]), ("full", &[], &["basic"])]);
        let grant = asked(&["admin", "full"], &account, &["dns:*"]);
        assert_eq!(grant.effective, ["own:read", "pastes:read"]);
        let refusal = grant.refusal("alice", &account).unwrap();
        assert_eq!(refusal.reason, Reason::RoleNotFound);
        assert!(refusal.message.contains("no role admin; it has basic, full"), "{}", refusal.message);
    }

    #[test]
    fn a_part_has_at_most_what_its_parent_has_and_the_message_names_who_refuses() {
        let account = account(&["objects:*", "buckets:*"], &[("writer", &["objects:write"], &[])]);
        let part = |permissions: &[&str], roles: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|text| text.to_string()).collect::<Vec<_>>();
            let (permissions, roles, has) =
                (own(permissions), own(roles), own(&["objects:read", "buckets:*"]));
            let has = grant(&has, &account.permissions);
            let request = Request { permissions: &permissions, roles: &roles };
            entitle_part(request, &account, &[], ("ApiKeyPair web", has))
        };
        assert_eq!(part(&["*:*"], &[]).effective, ["buckets:*", "objects:read"]);
        assert_eq!(part(&["objects:*"], &[]).effective, ["objects:read"]);
        assert_eq!(part(&["objects:*"], &[]).refusal("alice", &account), None);
        assert_eq!(part(&[], &[]), Grant::default(), "none at all is legal");

        let beyond = part(&["objects:delete", "buckets:list"], &["writer"]);
        assert_eq!(beyond.effective, ["buckets:list"]);
        let refusal = beyond.refusal("alice", &account).unwrap();
        assert_eq!(refusal.reason, Reason::PermissionNotGranted);
        assert!(
            refusal.message.contains(
                "The ApiKeyPair web does not have objects:delete, the role writer (objects:write); it has buckets:*, \
                 objects:read"
            ),
            "{}",
            refusal.message
        );
        let (_, lacking) = beyond.lacking("alice").unwrap();
        assert!(lacking.starts_with("the ApiKeyPair web does not have objects:delete"), "{lacking}");

        let of_the_account = part(&["dns:list"], &[]).refusal("alice", &account).unwrap();
        assert!(
            of_the_account.message.contains("The Account alice does not grant dns:list"),
            "{}",
            of_the_account.message
        );
    }

    #[test]
    fn while_roles_go_in_a_circle_a_credential_keeps_what_it_had_under_the_ceiling() {
        let account = account(
            &["own:read", "dns:list"],
            &[("a", &[], &["b"]), ("b", &[], &["c"]), ("c", &["dns:*"], &["a"])],
        );
        let grant = asked(&["a"], &account, &["dns:*", "disks:read"]);
        assert_eq!(grant.effective, ["dns:list", "own:read"]);
        let refusal = grant.refusal("alice", &account).unwrap();
        assert!(refusal.message.contains("in a circle: a, b, c, a"), "{}", refusal.message);
    }
}
