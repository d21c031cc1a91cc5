//! No history of a credential and of the parent that it is a part of breaks the rules either.

use chatelaine::core::{
    parent::{End, Life, Parent, Standing},
    period::Period,
};
use proptest::prelude::*;

use crate::{
    histories::{self, config, happen, holds_at_rest, step},
    stage::at,
    world::{Value, World},
};

/// What may happen to a part and to its parent.
#[derive(Clone, Debug)]
enum Event {
    Own(histories::Step),
    /// The parent has other material.
    Rotated,
    /// It was revoked or expired, and perhaps issued anew before anybody looked.
    Ended(Option<End>),
    Replaced,
    Inactive,
    Active,
    NotIssued,
    Unread,
    MissingLately(u8),
    NotTheirs,
    EndsAt(i16),
}

fn event() -> impl Strategy<Value = Event> {
    let end =
        prop_oneof![Just(End::Expired), Just(End::Revoked), Just(End::BeingDeleted), Just(End::Missing)];
    let own = histories::event().prop_filter("refused at admission", |event| {
        use histories::Event::{Cron, Every, NeverEnd, RenewBefore};
        !matches!(event, NeverEnd | Every(_) | Cron(_) | RenewBefore(_))
    });
    prop_oneof![
        20 => step(own).prop_map(Event::Own),
        2 => Just(Event::Rotated),
        2 => proptest::option::of(end).prop_map(Event::Ended),
        1 => Just(Event::Replaced),
        1 => Just(Event::Inactive),
        4 => Just(Event::Active),
        1 => Just(Event::NotIssued),
        1 => Just(Event::Unread),
        1 => (0u8..100).prop_map(Event::MissingLately),
        1 => Just(Event::NotTheirs),
        2 => (-50i16..900).prop_map(Event::EndsAt),
    ]
}

/// What the parent is while it is there.
struct Pair(Life);

impl Pair {
    fn happens(&mut self, event: &Event, world: &mut World) {
        let Self(life) = self;
        let now = world.scene.now;
        let standing = match event {
            Event::Own(_) => return,
            Event::Rotated => {
                (life.revision, life.not_after) = (life.revision + 1, None);
                Standing::Live(life.clone())
            }
            Event::Ended(end) => {
                (life.revision, life.not_after) = (life.revision + 1, None);
                life.began = life.revision;
                end.map_or_else(|| Standing::Live(life.clone()), Standing::Ended)
            }
            Event::Replaced => {
                *life = Life { uid: format!("{}+", life.uid), revision: 1, began: 0, not_after: None };
                Standing::Live(life.clone())
            }
            Event::Inactive => Standing::Inactive(life.clone()),
            Event::Active => Standing::Live(life.clone()),
            Event::NotIssued => Standing::NotIssued,
            Event::Unread => Standing::Unknown,
            Event::MissingLately(seconds) => {
                Standing::MissingLately { until: Period::seconds((*seconds).into()).after(now) }
            }
            Event::NotTheirs => Standing::NotTheirs,
            Event::EndsAt(offset) => {
                life.not_after = Some(at(now.as_second() + i64::from(*offset)));
                Standing::Live(life.clone())
            }
        };
        world.scene.policy.parent = Some(Parent { name: "ApiKeyPair web".into(), standing });
    }
}

fn values(world: &World) -> Option<Value> {
    world.secret.as_ref()?.current
}

fn revision(world: &World) -> Option<i64> {
    world.secret.as_ref().map(|stored| stored.ledger.revision)
}

/// What is a part is never more than its parent.
fn holds_with_its_parent(world: &World) {
    let scene = world.look(None);
    let parent = scene.policy.parent.as_ref().expect("it is a part");
    let Some(ledger) = scene.ledger().filter(|ledger| ledger.revision > 0 && !ledger.is_dead()) else {
        return;
    };
    assert_eq!(parent.end_of(ledger.parent.as_ref()), None, "nothing is kept of what is gone");
    // What is being deleted is not written for another date, but ends by it.
    let end = ledger.not_after.into_iter().chain(scene.policy.not_after_of(ledger)).min();
    assert!(end.is_some(), "it is short-lived");
    assert!(parent.not_after().is_none_or(|parents| Some(parents) >= end), "it ends with its parent");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_history_of_a_part_breaks_the_rules(events in proptest::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        let mut pair = Pair(Life { uid: "pair".into(), revision: 1, began: 0, not_after: None });
        pair.happens(&Event::Active, &mut world);
        let (mut old, mut rested) = (None, None);
        for event in &events {
            let (value, before) = (values(&world), revision(&world));
            // Of what was made again from status nobody knows of which parent it was.
            let bound = world.secret.as_ref().is_some_and(|stored| stored.ledger.parent.is_some());
            let was_at_rest = rested == Some(None) && bound;
            pair.happens(event, &mut world);
            let stop = match event {
                Event::Own((event, stop)) => {
                    happen(&mut world, event, &mut old);
                    *stop
                }
                _ => None,
            };
            let complaint = world.pass(stop);
            rested = stop.is_none().then_some(complaint);
            let Some(complaint) = &rested else { continue };
            holds_at_rest(&world, complaint.as_ref());
            holds_with_its_parent(&world);
            let spares = matches!(event, Event::Rotated | Event::Inactive | Event::NotIssued | Event::Unread);
            if spares && was_at_rest && value.is_some() {
                prop_assert_eq!((values(&world), revision(&world)), (value, before), "it lives on as it is");
            }
            let ends = matches!(event, Event::Ended(_) | Event::Replaced | Event::NotTheirs);
            if ends && value.is_some() && !world.is_unattended() {
                prop_assert_ne!(values(&world), value, "it is gone with its parent");
            }
        }
    }
}
