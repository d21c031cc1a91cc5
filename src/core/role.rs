//! Roles: a set of permissions by its name, with what it includes.

use std::fmt;

use crate::api::Role;

/// Why a role cannot be followed to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// There is no role of this name.
    Unknown(String),
    /// The way around, its first role again at its end.
    Circle(Vec<String>),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no role {name}"),
            Self::Circle(way) => write!(f, "roles include each other in a circle: {}", way.join(", ")),
        }
    }
}

/// All permissions of a role, its own and those of the roles that it includes.
pub fn permissions_of(roles: &[Role], name: &str) -> Result<Vec<String>, Flaw> {
    let mut walk = Walk { roles, way: Vec::new(), done: Vec::new(), found: Vec::new() };
    walk.visit(name)?;
    Ok(walk.found)
}

/// The first thing that is wrong with the roles of an Account.
pub fn flaw(roles: &[Role]) -> Option<Flaw> {
    roles.iter().find_map(|role| permissions_of(roles, &role.name).err())
}

struct Walk<'a> {
    roles: &'a [Role],
    way: Vec<&'a str>,
    done: Vec<&'a str>,
    found: Vec<String>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &str) -> Result<(), Flaw> {
        let Some(role) = self.roles.iter().find(|role| role.name == name) else {
            return Err(Flaw::Unknown(name.to_owned()));
        };
        if let Some(at) = self.way.iter().position(|before| *before == name) {
            let around = self.way[at..].iter().copied().chain([role.name.as_str()]);
            return Err(Flaw::Circle(around.map(str::to_owned).collect()));
        }
        if self.done.contains(&role.name.as_str()) {
            return Ok(());
        }
        self.way.push(&role.name);
        self.found.extend(role.permissions.iter().cloned());
        for included in &role.include {
            self.visit(included)?;
        }
        self.way.pop();
        self.done.push(&role.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, permissions: &[&str], include: &[&str]) -> Role {
        let own = |list: &[&str]| list.iter().map(|text| text.to_string()).collect();
        Role { name: name.into(), permissions: own(permissions), include: own(include), ..Role::default() }
    }

    fn pastebin() -> Vec<Role> {
        vec![
            role("full", &["account:*"], &["apikey"]),
            role("apikey", &["keys:list"], &["basic"]),
            role("basic", &["pastes:create"], &[]),
        ]
    }

    #[test]
    fn a_role_has_what_it_includes_and_what_that_includes() {
        let roles = pastebin();
        assert_eq!(permissions_of(&roles, "full").unwrap(), ["account:*", "keys:list", "pastes:create"]);
        assert_eq!(permissions_of(&roles, "basic").unwrap(), ["pastes:create"]);
        assert_eq!(flaw(&roles), None);
    }

    #[test]
    fn a_role_that_two_others_include_is_no_circle() {
        let mut roles = pastebin();
        roles.push(role("both", &[], &["apikey", "basic", "full"]));
        assert_eq!(permissions_of(&roles, "both").unwrap().len(), 3);
    }

    #[test]
    fn a_circle_is_named_by_its_way_around_from_wherever_it_is_entered() {
        let mut roles = pastebin();
        roles[2].include.push("full".into());
        roles.push(role("outside", &[], &["basic"]));
        assert_eq!(
            permissions_of(&roles, "outside"),
            Err(Flaw::Circle(["basic", "full", "apikey", "basic"].map(str::to_owned).into()))
        );
        assert!(matches!(flaw(&roles), Some(Flaw::Circle(_))));
        let alone = [role("narcissus", &[], &["narcissus"])];
        assert!(matches!(flaw(&alone), Some(Flaw::Circle(way)) if way.len() == 2));
    }

    #[test]
    fn a_role_that_is_not_there_is_named() {
        let unknown = |name: &str| Flaw::Unknown(name.to_owned());
        assert_eq!(permissions_of(&pastebin(), "admin"), Err(unknown("admin")));
        let dangling = [role("a", &[], &["gone"])];
        assert_eq!(flaw(&dangling), Some(unknown("gone")));
    }

    #[test]
    fn many_roles_that_include_many_are_followed_once_each() {
        let names: Vec<String> = (0..32).map(|n| format!("r{n}")).collect();
        let roles: Vec<Role> = (0..32)
            .map(|n| Role {
                name: names[n].clone(),
                permissions: vec![format!("p:{n}")],
                include: names[n + 1..].to_vec(),
                ..Role::default()
            })
            .collect();
        assert_eq!(permissions_of(&roles, "r0").unwrap().len(), 32);
    }
}
