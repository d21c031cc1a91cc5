//! Whose Secret is this? Answered from its metadata alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::ledger::{Illegible, Ledger, Owner};
use crate::api;

/// The one who may write a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The ledger names this kind, name and uid.
    Ours(Ledger),
    /// Our uid owns it, but its ledger is gone or broken.
    Mute,
    Newer(u32),
    Dying,
    /// Of a deleted object of the same kind, name and Account; the garbage collector will take it.
    LeftBehind,
    /// Of such an object too, but nobody owns it.
    Orphan(Ledger),
    /// Somebody's, with an annotation that offers it to this object.
    Offered,
    /// Somebody's; whose, in words, and whether he could offer it.
    Foreign {
        holder: String,
        offer: Offer,
    },
}

/// Whether the annotation that offers a Secret would count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    Possible,
    /// It would not: another controller owns the Secret, or it can never be what the spec asks for.
    Vain,
}

/// Reads the claim on a Secret from the point of view of `me`.
pub fn claim(meta: &ObjectMeta, me: &Owner) -> Claim {
    if meta.deletion_timestamp.is_some() {
        return Claim::Dying;
    }
    let text = meta.annotations.as_ref().and_then(|all| all.get(api::LEDGER));
    let ledger = match text.map(|text| Ledger::parse(text)) {
        Some(Ok(ledger)) => Some(ledger),
        Some(Err(Illegible::Newer(version))) => return Claim::Newer(version),
        Some(Err(Illegible::Broken)) | None => None,
    };
    match ledger {
        Some(ledger) if ledger.owner == *me => Claim::Ours(ledger),
        // An offer that was taken stays on the Secret: it must not make a new credential of one that was kept or restored.
        Some(ledger) if ledger.owner.is_namesake(me) => {
            let mut others = meta.owner_references.iter().flatten().filter(|owner| owner.uid != me.uid);
            match others.clone().next() {
                None => Claim::Orphan(ledger),
                // The collector takes only what its last owner left behind.
                Some(_) if others.any(|owner| owner.uid == ledger.owner.uid) => Claim::LeftBehind,
                Some(other) => Claim::Foreign { holder: named(&other.kind, &other.name), offer: offer(meta) },
            }
        }
        Some(_) if is_offered(meta, me) => Claim::Offered,
        Some(ledger) => {
            Claim::Foreign { holder: named(&ledger.owner.kind, &ledger.owner.name), offer: offer(meta) }
        }
        None if meta.owner_references.iter().flatten().any(|owner| owner.uid == me.uid) => Claim::Mute,
        None if is_offered(meta, me) => Claim::Offered,
        None => {
            let holder = controller(meta).unwrap_or_else(|| "somebody else".to_owned());
            Claim::Foreign { holder, offer: offer(meta) }
        }
    }
}

/// An offer counts unless another controller owns the Secret: it would only fight.
fn is_offered(meta: &ObjectMeta, me: &Owner) -> bool {
    let wanted = meta.annotations.as_ref().and_then(|all| all.get(api::ADOPT));
    let named = wanted.and_then(|text| text.split_once('/'));
    named.is_some_and(|(kind, name)| kind.eq_ignore_ascii_case(&me.kind) && name == me.name)
        && controller(meta).is_none()
}

fn offer(meta: &ObjectMeta) -> Offer {
    if controller(meta).is_none() { Offer::Possible } else { Offer::Vain }
}

fn controller(meta: &ObjectMeta) -> Option<String> {
    let owner = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
    Some(named(&owner.kind, &owner.name))
}

/// The holder as people know him. Whoever may write a Secret may write anything there.
fn named(kind: &str, name: &str) -> String {
    let is_kind = (1..=63).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_name = (1..=253).contains(&name.len()) && name.bytes().all(is_letter);
    if is_kind && is_name { format!("the {kind} {name}") } else { "somebody else".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};

    use super::*;
    use crate::core::trigger::Handled;

    fn me() -> Owner {
        Owner { kind: "AccessToken".into(), name: "ci".into(), uid: "new".into(), account: "alice".into() }
    }

    fn secret(owner: &Owner, references: &[&str]) -> ObjectMeta {
        let ledger = Ledger::blank(owner.clone(), None, Handled::default()).to_text();
        ObjectMeta {
            annotations: Some(BTreeMap::from([(api::LEDGER.to_owned(), ledger)])),
            owner_references: Some(references.iter().map(|uid| reference(uid)).collect()),
            ..Default::default()
        }
    }

    fn reference(uid: &str) -> OwnerReference {
        OwnerReference {
            api_version: "chatelaine.dev/v1alpha1".into(),
            kind: "AccessToken".into(),
            name: "ci".into(),
            uid: uid.into(),
            controller: Some(true),
            block_owner_deletion: None,
        }
    }

    fn offered(mut meta: ObjectMeta, to: &str) -> ObjectMeta {
        meta.annotations.get_or_insert_default().insert(api::ADOPT.to_owned(), to.to_owned());
        meta
    }

    #[test]
    fn the_ledger_decides_whose_a_secret_is_whatever_its_owner_references_say() {
        assert!(matches!(claim(&secret(&me(), &[]), &me()), Claim::Ours(_)));
        assert!(matches!(claim(&secret(&me(), &["old"]), &me()), Claim::Ours(_)));
    }

    #[test]
    fn a_predecessors_secret_belongs_to_the_garbage_collector_while_it_has_an_owner_and_is_an_orphan_without()
    {
        let old = Owner { uid: "old".into(), ..me() };
        assert_eq!(claim(&secret(&old, &["old"]), &me()), Claim::LeftBehind);
        assert_eq!(claim(&secret(&old, &["somebody", "old"]), &me()), Claim::LeftBehind);
        assert!(matches!(claim(&secret(&old, &[]), &me()), Claim::Orphan(_)));
        assert!(
            matches!(claim(&secret(&old, &["new"]), &me()), Claim::Orphan(_)),
            "nobody but this object owns it"
        );
    }

    #[test]
    fn a_predecessors_secret_that_somebody_else_owns_is_his_because_the_garbage_collector_never_takes_it() {
        let old = Owner { uid: "old".into(), ..me() };
        let wanted = Claim::Foreign { holder: "the AccessToken ci".into(), offer: Offer::Vain };
        assert_eq!(claim(&secret(&old, &["somebody"]), &me()), wanted);
    }

    #[test]
    fn a_predecessor_of_another_account_is_a_stranger() {
        let other = Owner { uid: "old".into(), account: "bob".into(), ..me() };
        assert!(matches!(claim(&secret(&other, &[]), &me()), Claim::Foreign { .. }));
    }

    #[test]
    fn a_secret_without_a_ledger_is_ours_only_by_our_uid() {
        let meta =
            |uid: &str| ObjectMeta { owner_references: Some(vec![reference(uid)]), ..Default::default() };
        assert_eq!(claim(&meta("new"), &me()), Claim::Mute);
        let foreign = |holder: &str, offer| Claim::Foreign { holder: holder.into(), offer };
        assert_eq!(claim(&meta("old"), &me()), foreign("the AccessToken ci", Offer::Vain));
        assert_eq!(claim(&ObjectMeta::default(), &me()), foreign("somebody else", Offer::Possible));
    }

    #[test]
    fn a_holder_whose_name_is_no_name_is_not_repeated() {
        for name in ["", "a\nb", "\u{1b}[31m", "Alice", &"x".repeat(100_000)] {
            let holder = Owner { name: name.into(), ..me() };
            let wanted = |offer| Claim::Foreign { holder: "somebody else".into(), offer };
            assert_eq!(claim(&secret(&holder, &[]), &me()), wanted(Offer::Possible), "{name:.20}");
            let mut controlled = reference("old");
            controlled.name = name.into();
            let meta = ObjectMeta { owner_references: Some(vec![controlled]), ..Default::default() };
            assert_eq!(claim(&meta, &me()), wanted(Offer::Vain), "{name:.20}");
        }
    }

    #[test]
    fn an_offer_names_this_kind_and_name_and_no_other_controller_may_own_the_secret() {
        assert_eq!(claim(&offered(ObjectMeta::default(), "accesstoken/ci"), &me()), Claim::Offered);
        for to in ["AccessToken/other", "SshKey/ci", "ci", ""] {
            assert!(
                matches!(claim(&offered(ObjectMeta::default(), to), &me()), Claim::Foreign { .. }),
                "{to}"
            );
        }
        let owned = ObjectMeta { owner_references: Some(vec![reference("old")]), ..Default::default() };
        assert!(matches!(claim(&offered(owned, "AccessToken/ci"), &me()), Claim::Foreign { .. }));
    }

    #[test]
    fn an_offer_that_was_taken_once_does_not_make_a_restored_secret_a_new_one() {
        let old = Owner { uid: "old".into(), ..me() };
        let adopted = |owner: &Owner, references| offered(secret(owner, references), "AccessToken/ci");
        assert!(matches!(claim(&adopted(&me(), &["new"]), &me()), Claim::Ours(_)));
        assert!(matches!(claim(&adopted(&old, &[]), &me()), Claim::Orphan(_)));
        assert_eq!(claim(&adopted(&old, &["old"]), &me()), Claim::LeftBehind);
        let other = Owner { name: "other".into(), ..old };
        assert_eq!(claim(&adopted(&other, &[]), &me()), Claim::Offered, "that of another is offered");
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone_and_a_dying_secret_too() {
        let annotations = Some(BTreeMap::from([(api::LEDGER.to_owned(), r#"{"version":99}"#.to_owned())]));
        assert_eq!(claim(&ObjectMeta { annotations, ..Default::default() }, &me()), Claim::Newer(99));
        let dying =
            ObjectMeta { deletion_timestamp: Some(Time(jiff::Timestamp::UNIX_EPOCH)), ..secret(&me(), &[]) };
        assert_eq!(claim(&dying, &me()), Claim::Dying);
    }
}
